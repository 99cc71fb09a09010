//! Pictures and sounds that an office's tables name: looked into before a terminal gets them, and
//! known by their digest from then on.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Cursor;
use std::path::{Component, Path};

use image::{ImageFormat, ImageReader, Limits};
use manyi_shared::wire::limits::MAX_ASSET_BYTES;
use manyi_shared::wire::{AssetDigest, AssetKind, check_sound, digest};

/// The longest side of a picture, in pixels: more than any screen of ours shows.
const MAX_SIDE: u32 = 4096;

/// Memory that decoding a picture may take: one of the largest size with room.
const MAX_DECODED: u64 = 128 * 1024 * 1024;

/// A file of a hall.
#[derive(Clone, PartialEq, Eq)]
pub struct Asset {
    /// SHA-256 of its bytes.
    pub digest: AssetDigest,
    /// What it is.
    pub kind: AssetKind,
    /// Its bytes, as the office gave them.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asset({:?}, {} bytes)", self.kind, self.bytes.len())
    }
}

/// Files of an import's directory, each read and looked into once.
pub(super) struct Files<'a> {
    dir: &'a Path,
    read: BTreeMap<(String, AssetKind), Result<AssetDigest, String>>,
    assets: BTreeMap<AssetDigest, Asset>,
}

impl<'a> Files<'a> {
    pub(super) fn of(dir: &'a Path) -> Self {
        Self {
            dir,
            read: BTreeMap::new(),
            assets: BTreeMap::new(),
        }
    }

    /// The digest of the file at this path below the directory, or what is wrong with it.
    pub(super) fn take(&mut self, path: &str, kind: AssetKind) -> Result<AssetDigest, String> {
        let key = (path.to_owned(), kind);
        if let Some(known) = self.read.get(&key) {
            return known.clone();
        }
        let taken = read(self.dir, path, kind).map(|bytes| {
            let digest = digest(&bytes);
            let asset = Asset {
                digest,
                kind,
                bytes,
            };
            self.assets.entry(digest).or_insert(asset);
            digest
        });
        self.read.insert(key, taken.clone());
        taken
    }

    /// Everything that was taken, by digest.
    pub(super) fn into_assets(self) -> Vec<Asset> {
        self.assets.into_values().collect()
    }
}

fn read(dir: &Path, name: &str, kind: AssetKind) -> Result<Vec<u8>, String> {
    let path = Path::new(name);
    let below = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !below {
        return Err(format!(
            "`{name}` must be a file below this directory, such as \"pictures/a.png\""
        ));
    }
    let path = dir.join(path);
    let unread = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    let length = std::fs::metadata(&path).map_err(unread)?.len();
    if length > MAX_ASSET_BYTES as u64 {
        return Err(format!(
            "`{name}` has {length} bytes, at most {MAX_ASSET_BYTES}; make it smaller"
        ));
    }
    let bytes = std::fs::read(&path).map_err(unread)?;
    let sound = match kind {
        AssetKind::Picture => check_picture(&bytes),
        AssetKind::Sound => check_sound(&bytes),
    };
    sound.map_err(|problem| format!("`{name}` {problem}"))?;
    Ok(bytes)
}

/// Decodes the picture: a terminal must be able to.
fn check_picture(bytes: &[u8]) -> Result<(), String> {
    let format = image::guess_format(bytes).ok();
    if !matches!(format, Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err("is no PNG or JPEG picture; save it as one of them".to_owned());
    }
    let reader = || {
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
        reader.map_err(|error| format!("cannot be read: {error}"))
    };
    let unread = |error: image::ImageError| {
        format!("cannot be decoded ({error}); save it again with a picture program")
    };
    let (width, height) = reader()?.into_dimensions().map_err(unread)?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(format!(
            "is {width} × {height} pixels, at most {MAX_SIDE} each way; scale it down"
        ));
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    reader.decode().map(drop).map_err(unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_decoded_to_its_end() {
        let mut whole = Cursor::new(Vec::new());
        image::RgbImage::new(40, 30)
            .write_to(&mut whole, ImageFormat::Png)
            .expect("encodes");
        let whole = whole.into_inner();
        assert_eq!(check_picture(&whole), Ok(()));
        let said = check_picture(&whole[..whole.len() - 20]).expect_err("must be refused");
        assert!(said.contains("cannot be decoded"), "{said}");
        let said = check_picture(b"GIF89a").expect_err("must be refused");
        assert!(said.contains("PNG or JPEG"), "{said}");
    }

    #[test]
    fn a_picture_larger_than_any_screen_is_refused_by_its_size() {
        let mut wide = Cursor::new(Vec::new());
        image::GrayImage::new(MAX_SIDE + 1, 1)
            .write_to(&mut wide, ImageFormat::Png)
            .expect("encodes");
        let said = check_picture(&wide.into_inner()).expect_err("must be refused");
        assert!(said.contains("4097 × 1"), "{said}");
    }

    #[rstest::rstest]
    #[case("/etc/passwd")]
    #[case("../secret.png")]
    #[case("a/../../b.png")]
    #[case("")]
    fn only_files_below_the_directory_are_read(#[case] name: &str) {
        let dir = tempfile::tempdir().expect("a directory");
        let said = read(dir.path(), name, AssetKind::Picture).expect_err("must be refused");
        assert!(said.contains("below this directory"), "{said}");
    }
}
