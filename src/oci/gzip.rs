//! gzip: written so that every release of this program and every library makes the same bytes, and read with bounds.

use std::io::{self, Write};

use flate2::Crc;
use flate2::write::MultiGzDecoder;

use super::media::Compression;

/// Most bytes of a stored block (RFC 1951 section 3.2.4).
const BLOCK: usize = 65_535;

/// Packs without compressing (stored blocks), time 0, no name, system unknown (RFC 1952): no choice is left to a
/// library. What is packed here are a few certificates.
pub(super) fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(BLOCK).peekable();
    if blocks.peek().is_none() {
        packed.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    let mut crc = Crc::new();
    crc.update(bytes);
    packed.extend(crc.sum().to_le_bytes());
    packed.extend(crc.amount().to_le_bytes());
    packed
}

/// A layer that comes in pieces, unpacked into `W` piece by piece.
pub(super) struct Unpacked<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Plain(Bounded<W>),
    Gzip(Box<MultiGzDecoder<Bounded<W>>>),
}

impl<W: Write> Unpacked<W> {
    /// Into `sink`, at most `limit` bytes of it. None where it is packed in a way that is not read.
    pub(super) fn new(compression: Compression, sink: W, limit: u64) -> Option<Self> {
        let sink = Bounded { sink, left: limit };
        match compression {
            Compression::None => Some(Self(Kind::Plain(sink))),
            Compression::Gzip => Some(Self(Kind::Gzip(Box::new(MultiGzDecoder::new(sink))))),
            Compression::Other => None,
        }
    }

    /// Takes a piece.
    ///
    /// # Errors
    /// It is not packed as its type says, is larger than the bound when unpacked, or `W` refuses it.
    pub(super) fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Plain(sink) => sink.write_all(piece),
            Kind::Gzip(decoder) => decoder.write_all(piece),
        }
    }

    /// The end of it.
    ///
    /// # Errors
    /// It ends before it is complete.
    pub(super) fn finish(self) -> io::Result<W> {
        match self.0 {
            Kind::Plain(bounded) => Ok(bounded.sink),
            Kind::Gzip(decoder) => Ok(decoder.finish()?.sink),
        }
    }
}

/// Lets so many bytes through.
struct Bounded<W> {
    sink: W,
    left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| io::Error::other("is larger than this program unpacks"))?;
        self.sink.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
