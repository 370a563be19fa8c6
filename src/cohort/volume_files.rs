//! The NIfTI files of one image: which label belongs to it, whether they fit each other, and
//! their voxels.

use std::path::{Path, PathBuf};

use super::LabelledVolume;
use super::naming::{Label, Listing, file_name, find_label, label_stems};
use crate::volume::{Geometry, Volume};
use crate::{Error, Result};

/// An image and its labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct VolumeFiles {
    pub(super) image: PathBuf,
    cord: PathBuf,
    csf: Option<PathBuf>,
    discs: Option<PathBuf>,
    lesion: Option<PathBuf>,
}

impl VolumeFiles {
    /// Finds the labels of `image`, whose name without extension is `stem`, in `folders`.
    ///
    /// # Errors
    /// A clause: no cord mask (with the names looked for), or a label that exists twice.
    pub(super) fn locate(image: &Path, stem: &str, folders: &[&Listing]) -> Result<Self, String> {
        let find = |label| match find_label(label, stem, folders).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            [first, second, ..] => Err(format!(
                "its {} exists twice ({} and {}); keep one or choose with `derivatives`",
                label.title(),
                first.display(),
                second.display()
            )),
        };
        let cord = find(Label::Cord)?.ok_or_else(|| {
            let stems = label_stems(stem).join(" or ");
            let suffixes = Label::Cord.suffixes().join(", ");
            format!("no cord mask; looked for {stems} followed by one of {suffixes}")
        })?;
        let (csf, discs) = (find(Label::Csf)?, find(Label::Discs)?);
        Ok(Self { image: image.into(), cord, csf, discs, lesion: find(Label::Lesion)? })
    }

    /// Reads all headers and compares the grids, without reading voxels.
    pub(super) fn check_headers(&self) -> Result<()> {
        let grid = Geometry::read(&self.image)?;
        for (label, path) in self.labels() {
            let other = Geometry::read(path)?;
            if !grid.matches(&other) {
                let image = file_name(&self.image);
                let difference = if grid.shape == other.shape {
                    format!("lies elsewhere in space than {image}")
                } else {
                    format!("has {} voxels, {image} {}", extent(&other), extent(&grid))
                };
                return Err(Error::file(
                    path,
                    format!("the {} {difference}; resample it to the image", label.title()),
                ));
            }
        }
        Ok(())
    }

    /// Reads image and labels.
    ///
    /// # Errors
    /// Beyond unreadable files: voxels that are not finite, and a cord mask without a voxel.
    pub(super) fn read(&self) -> Result<LabelledVolume> {
        self.check_headers()?;
        let label = |path: &Option<PathBuf>| path.as_deref().map(read_finite).transpose();
        let cord = read_finite(&self.cord)?;
        if cord.voxels.iter().all(|&voxel| voxel == 0.0) {
            return Err(Error::file(&self.cord, "the cord mask is empty; segment the cord first"));
        }
        Ok(LabelledVolume {
            image: read_finite(&self.image)?,
            cord,
            csf: label(&self.csf)?,
            discs: label(&self.discs)?,
            lesion: label(&self.lesion)?,
        })
    }

    fn labels(&self) -> impl Iterator<Item = (Label, &Path)> {
        let optional =
            [(Label::Csf, &self.csf), (Label::Discs, &self.discs), (Label::Lesion, &self.lesion)];
        std::iter::once((Label::Cord, self.cord.as_path()))
            .chain(optional.into_iter().filter_map(|(label, path)| Some((label, path.as_deref()?))))
    }
}

fn extent(geometry: &Geometry) -> String {
    let [i, j, k] = geometry.shape;
    format!("{i} x {j} x {k}")
}

fn read_finite(path: &Path) -> Result<Volume> {
    let volume = Volume::read(path)?;
    match volume.voxels.iter().filter(|voxel| !voxel.is_finite()).count() {
        0 => Ok(volume),
        count => Err(Error::file(
            path,
            format!(
                "{count} of {} voxels are not finite (NaN or infinite); repair the image",
                volume.voxels.len()
            ),
        )),
    }
}
