//! The datasets that the source images belong to, and how the files of an export refer to them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::names::dataset_of;

/// The roots of the source datasets, in order of appearance, without repeats.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    roots: Vec<PathBuf>,
}

impl Sources {
    /// Those of some source images.
    pub fn of<'a>(images: impl Iterator<Item = &'a Path>) -> Self {
        let mut roots: Vec<PathBuf> = Vec::new();
        for root in images.map(dataset_of) {
            if !roots.iter().any(|known| known == root) {
                roots.push(root.to_path_buf());
            }
        }
        Self { roots }
    }

    /// How a sidecar refers to a source image: as a BIDS URI.
    pub fn reference(&self, image: &Path) -> String {
        let root = dataset_of(image);
        let place = self.roots.iter().position(|known| known == root).unwrap_or_default();
        let inside = image.strip_prefix(root).unwrap_or(image);
        format!("bids:{}:{}", self.name(place), inside.display())
    }

    /// What the names in these references stand for.
    pub fn links(&self) -> Option<Value> {
        let links: Map<String, Value> =
            (0..self.roots.len()).map(|place| (self.name(place), json!(self.url(place)))).collect();
        (!links.is_empty()).then_some(Value::Object(links))
    }

    /// The source datasets as the description lists them.
    pub fn datasets(&self) -> Option<Value> {
        let datasets: Vec<Value> =
            (0..self.roots.len()).map(|place| json!({ "URL": self.url(place) })).collect();
        (!datasets.is_empty()).then_some(Value::Array(datasets))
    }

    fn name(&self, place: usize) -> String {
        match self.roots.len() {
            0 | 1 => "raw".to_owned(),
            _ => format!("raw{}", place + 1),
        }
    }

    fn url(&self, place: usize) -> String {
        let root = &self.roots[place];
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.clone());
        format!("file://{}", root.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_has_a_link() {
        let images = ["/a/sub-01/anat/sub-01_T2w.nii.gz", "/b/sub-02/anat/sub-02_T2w.nii.gz"];
        let images = images.map(Path::new);
        let one = Sources::of(images[..1].iter().copied());
        assert_eq!(one.reference(images[0]), "bids:raw:sub-01/anat/sub-01_T2w.nii.gz");
        assert_eq!(one.links(), Some(json!({ "raw": "file:///a" })));
        let two = Sources::of(images.iter().copied().chain(images));
        assert_eq!(two.reference(images[1]), "bids:raw2:sub-02/anat/sub-02_T2w.nii.gz");
        assert_eq!(two.links(), Some(json!({ "raw1": "file:///a", "raw2": "file:///b" })));
        assert_eq!(Sources::default().links(), None);
    }
}
