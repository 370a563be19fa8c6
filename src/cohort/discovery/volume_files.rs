//! The NIfTI files of one image: which label belongs to it, whether they fit each other, and
//! their voxels.

use std::path::{Path, PathBuf};

use super::naming::{Label, Listing, file_name, find_label, label_stems};
use crate::volume::LabelledVolume;
use crate::volume::{Geometry, Volume};
use crate::{Error, Result};

/// An image and its labels.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cohort) struct VolumeFiles {
    pub(in crate::cohort) image: PathBuf,
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
    pub(in crate::cohort) fn locate(
        image: &Path,
        stem: &str,
        folders: &[&Listing],
    ) -> Result<Self, String> {
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

    /// Reads all headers and compares the grids, without reading voxels. Labels whose header
    /// differs from the image's by less than half a voxel (some tools round it) are accepted:
    /// voxel for voxel they still mean the same places. A note says so.
    pub(in crate::cohort) fn check_headers(&self) -> Result<Vec<String>> {
        let grid = Geometry::read(&self.image)?;
        let mut notes = Vec::new();
        for (label, path) in self.labels() {
            let other = Geometry::read(path)?;
            if grid.matches(&other) {
                continue;
            }
            let image = file_name(&self.image);
            let distance = displacement(&grid, &other);
            let difference = if grid.shape != other.shape {
                format!("has {} voxels, {image} {}", extent(&other), extent(&grid))
            } else if distance >= 0.5 {
                format!("lies up to {distance:.1} voxels away from {image}")
            } else {
                notes.push(format!(
                    "the {} lies up to {distance:.2} voxels away from the image by its header; its voxels are taken for the image's",
                    label.title()
                ));
                continue;
            };
            return Err(Error::file(
                path,
                format!("the {} {difference}; resample it to the image", label.title()),
            ));
        }
        Ok(notes)
    }

    /// Reads image and labels, with the notes of [`Self::check_headers`]. What the voxels hold is
    /// checked by [`Preprocessing`](crate::cohort::Preprocessing).
    pub(in crate::cohort) fn read(&self) -> Result<(LabelledVolume, Vec<String>)> {
        let notes = self.check_headers()?;
        let image = Volume::read(&self.image)?;
        let label = |path: &Path| {
            Volume::read(path).map(|volume| Volume { affine: image.affine, ..volume })
        };
        let optional = |path: &Option<PathBuf>| path.as_deref().map(label).transpose();
        let cord = label(&self.cord)?;
        let (csf, discs) = (optional(&self.csf)?, optional(&self.discs)?);
        let lesion = optional(&self.lesion)?;
        Ok((LabelledVolume { image, cord, csf, discs, lesion }, notes))
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
    format!("{i} × {j} × {k}")
}

/// The largest distance, along any stored axis of `grid` and in its voxels, between corners that
/// should be the same place. Below a half, every voxel is still nearest to its counterpart.
fn displacement(grid: &Geometry, other: &Geometry) -> f64 {
    let spacing = grid.affine.spacing();
    let corners = (0..8).map(|corner: usize| {
        let voxel = [0, 1, 2].map(|axis| match corner >> axis & 1 {
            0 => 0.0,
            _ => grid.shape[axis].saturating_sub(1) as f64,
        });
        let (a, b) = (grid.affine.position(voxel), other.affine.position(voxel));
        let along = |axis: usize| {
            let step = grid.affine.axis(axis);
            let mm = (0..3).map(|n| (a[n] - b[n]) * step[n]).sum::<f64>() / spacing[axis];
            mm.abs() / spacing[axis]
        };
        (0..3).map(along).fold(0.0, f64::max)
    });
    corners.fold(0.0, f64::max)
}
