//! A layer of the base that comes in pieces: unpacked, held against its digest, and looked through. Nothing is kept of it
//! but what a [`Tree`] keeps.

use super::gzip::Unpacked;
use super::media::Compression;
use super::tar::Scanner;
use super::{Descriptor, Hasher, Problem, Tree};

/// The largest layer that is unpacked, in bytes: a bomb ends here, and takes time but no memory.
const LARGEST: u64 = 32 << 30;

/// Takes the pieces.
pub struct LayerReader {
    digest: String,
    hasher: Hasher,
    unpacked: Unpacked<Scanner<Tree>>,
}

impl std::fmt::Debug for LayerReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.digest)
    }
}

impl LayerReader {
    /// Reads the layer over what is below it.
    pub fn new(tree: Tree, layer: &Descriptor) -> Result<Self, Problem> {
        Self::bounded(tree, layer, LARGEST)
    }

    pub(super) fn bounded(tree: Tree, layer: &Descriptor, limit: u64) -> Result<Self, Problem> {
        let scanner = Scanner::new(tree.with_layer());
        let compression = Compression::of(&layer.media_type);
        let unpacked = Unpacked::new(compression, scanner, limit).ok_or_else(|| {
            Problem::Layer(format!(
                "{} is packed as {}, which this program does not unpack",
                layer.digest, layer.media_type
            ))
        })?;
        Ok(Self {
            digest: layer.digest.clone(),
            hasher: Hasher::like(&layer.digest),
            unpacked,
        })
    }

    /// Takes a piece.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Problem> {
        self.hasher.update(piece);
        let taken = self.unpacked.take(piece);
        taken.map_err(|error| Problem::Layer(format!("{} {error}", self.digest)))
    }

    /// What the image holds up to this layer.
    pub fn finish(self) -> Result<Tree, Problem> {
        let unusable = |why: String| Problem::Layer(format!("{} {why}", self.digest));
        let scanner = self
            .unpacked
            .finish()
            .map_err(|error| unusable(error.to_string()))?;
        let tree = scanner.finish().map_err(unusable)?;
        let found = self.hasher.finish();
        if found == self.digest {
            return Ok(tree);
        }
        Err(Problem::WrongDigest {
            what: "a layer".to_owned(),
            wanted: self.digest,
            found,
        })
    }
}
