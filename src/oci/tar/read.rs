//! A tar that comes in pieces of any size: ustar, GNU's long names, PAX paths, links and sizes. What a header may say is
//! bounded; what a file holds is kept only where somebody wants it.

use std::io::{self, Write};

use super::BLOCK;
use super::number::number;

/// Longest extended header that is read, in bytes; paths end at 4 KiB, and attributes are few.
const LONGEST_HEADER: u64 = 16 * 1024;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::oci) enum Kind {
    File,
    /// Another name of the file at this path of the archive.
    Link(String),
    Symlink(String),
    Directory,
    /// Devices, pipes.
    Other,
}

/// An entry, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::oci) struct Entry {
    /// As it is written: `./etc/ssl/certs/`.
    pub(in crate::oci) path: String,
    pub(in crate::oci) kind: Kind,
    pub(in crate::oci) size: u64,
}

/// Who looks at the entries.
pub(in crate::oci) trait Visit {
    /// Of an entry that begins: is its content wanted?
    fn wants(&self, entry: &Entry) -> bool;
    /// An entry that has ended, with its content where that was wanted. The error says why the layer cannot be used.
    fn entry(&mut self, entry: Entry, content: Option<Vec<u8>>) -> Result<(), String>;
}

/// Takes the pieces.
pub(in crate::oci) struct Scanner<V> {
    visitor: V,
    state: State,
    block: Vec<u8>,
    said: Said,
}

/// What extended headers said of the next entry.
#[derive(Default)]
struct Said {
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

enum State {
    Header,
    /// An extended header of this type flag.
    Extended {
        flag: u8,
        left: u64,
        padding: u64,
        text: Vec<u8>,
    },
    Content {
        entry: Entry,
        left: u64,
        padding: u64,
        kept: Option<Vec<u8>>,
    },
    /// Behind the end nothing is looked at.
    End,
}

impl<V: Visit> Scanner<V> {
    pub(in crate::oci) fn new(visitor: V) -> Self {
        Self {
            visitor,
            state: State::Header,
            block: Vec::with_capacity(BLOCK),
            said: Said::default(),
        }
    }

    /// The visitor, once the archive is complete.
    pub(in crate::oci) fn finish(self) -> Result<V, String> {
        match self.state {
            State::End => Ok(self.visitor),
            // Some programs leave the two empty blocks out.
            State::Header if self.block.is_empty() => Ok(self.visitor),
            _ => Err("ends in the middle of a file".to_owned()),
        }
    }

    /// Takes some of the bytes; how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, String> {
        match &mut self.state {
            State::End => Ok(bytes.len()),
            State::Header => {
                let taken = bytes.len().min(BLOCK - self.block.len());
                self.block.extend(&bytes[..taken]);
                if self.block.len() == BLOCK {
                    let block = std::mem::take(&mut self.block);
                    self.state = self.header(&block)?;
                    self.settle()?;
                }
                Ok(taken)
            }
            State::Extended {
                left,
                padding,
                text,
                ..
            } => {
                let taken = part(bytes, left);
                text.extend(&bytes[..taken]);
                let padded = part(&bytes[taken..], padding);
                self.settle()?;
                Ok(taken + padded)
            }
            State::Content {
                left,
                padding,
                kept,
                ..
            } => {
                let taken = part(bytes, left);
                if let Some(kept) = kept {
                    kept.extend(&bytes[..taken]);
                }
                let padded = part(&bytes[taken..], padding);
                self.settle()?;
                Ok(taken + padded)
            }
        }
    }

    /// Ends what is complete.
    fn settle(&mut self) -> Result<(), String> {
        let (State::Extended { left, padding, .. } | State::Content { left, padding, .. }) =
            &self.state
        else {
            return Ok(());
        };
        if *left > 0 || *padding > 0 {
            return Ok(());
        }
        match std::mem::replace(&mut self.state, State::Header) {
            State::Extended { flag, text, .. } => self.said.hear(flag, &text),
            State::Content { entry, kept, .. } => self.visitor.entry(entry, kept),
            State::Header | State::End => Ok(()),
        }
    }

    fn header(&mut self, block: &[u8]) -> Result<State, String> {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(State::End);
        }
        check(block)?;
        let flag = block[156];
        let size = number(&block[124..136]).ok_or("has a size that is no number")?;
        if matches!(flag, b'L' | b'K' | b'x' | b'g') {
            if size > LONGEST_HEADER {
                return Err("has a header that is larger than this program reads".to_owned());
            }
            return Ok(State::Extended {
                flag,
                left: size,
                padding: padding(size),
                text: Vec::new(),
            });
        }
        let said = std::mem::take(&mut self.said);
        let link = said.link.unwrap_or_else(|| text(&block[157..257]));
        let kind = match flag {
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::Link(link),
            b'2' => Kind::Symlink(link),
            b'5' => Kind::Directory,
            _ => Kind::Other,
        };
        // Links say the size of what they name, and have no content; nor have devices, directories and pipes.
        let size = match flag {
            b'1'..=b'6' => 0,
            _ => said.size.unwrap_or(size),
        };
        let entry = Entry {
            path: said.path.unwrap_or_else(|| path(block)),
            kind,
            size,
        };
        let kept = self.visitor.wants(&entry).then(Vec::new);
        Ok(State::Content {
            entry,
            left: size,
            padding: padding(size),
            kept,
        })
    }
}

impl<V: Visit> Write for Scanner<V> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.step(rest).map_err(io::Error::other)?;
            rest = &rest[taken..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Said {
    /// GNU's long name (L) and long link (K), PAX records of the next entry (x); those of all (g) name no path.
    fn hear(&mut self, flag: u8, bytes: &[u8]) -> Result<(), String> {
        match flag {
            b'L' => self.path = Some(text(bytes)),
            b'K' => self.link = Some(text(bytes)),
            b'x' => {
                for (key, value) in records(bytes).ok_or("has a PAX header that cannot be read")? {
                    let value_text = String::from_utf8_lossy(value).into_owned();
                    match key {
                        b"path" => self.path = Some(value_text),
                        b"linkpath" => self.link = Some(value_text),
                        b"size" => {
                            let size = value_text
                                .parse()
                                .map_err(|_| "has a size that is no number")?;
                            self.size = Some(size);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `LENGTH KEY=VALUE\n`, the length that of the whole record.
fn records(mut bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        records.push((&record[..equals], &record[equals + 1..]));
        bytes = &bytes[length..];
    }
    Some(records)
}

/// The sum of a header's bytes as if those of the sum were spaces; old programs take bytes as signed.
fn check(block: &[u8]) -> Result<(), String> {
    let said = number(&block[148..156]);
    let bytes = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
    let counted = block.iter().enumerate();
    let unsigned: u64 = counted
        .clone()
        .map(|(at, byte)| u64::from(bytes(at, *byte)))
        .sum();
    let signed: i64 = counted
        .map(|(at, byte)| i64::from(bytes(at, *byte).cast_signed()))
        .sum();
    let is_right =
        said == Some(unsigned) || said.and_then(|said| i64::try_from(said).ok()) == Some(signed);
    is_right.then_some(()).ok_or_else(|| "is no tar".to_owned())
}

fn path(block: &[u8]) -> String {
    let name = text(&block[..100]);
    // GNU has times where ustar has a prefix.
    if &block[257..263] == b"ustar\0" && block[345] != 0 {
        return format!("{}/{name}", text(&block[345..500]));
    }
    name
}

fn text(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// How much of `bytes` belongs to what is `left`, which becomes less.
fn part(bytes: &[u8], left: &mut u64) -> usize {
    let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= taken as u64;
    taken
}
