//! The NIfTI files of one image: which label belongs to it, whether they fit each other, and
//! their voxels.

use std::path::{Path, PathBuf};

use ndarray::Array3;

use super::find_label::find_label;
use super::naming::{Label, Listing, label_stems};
use super::saved_masks::SavedMask;
use crate::cohort::found_labels::SureMasks;
use crate::cohort::found_masks::FoundMasks;
use crate::cohort::note::Note;
use crate::files::file_name;
use crate::volume::{Affine, Geometry, ImageHeader, LabelledVolume, Orientation, Volume};
use crate::{Error, Result};

/// An image and its labels.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cohort) struct VolumeFiles {
    pub(in crate::cohort) image: PathBuf,
    /// `None` where none was found by its name.
    cord: Option<PathBuf>,
    csf: Option<PathBuf>,
    discs: Option<PathBuf>,
    lesion: Option<PathBuf>,
    /// Of a cord mask that the program found and that was saved and not changed since.
    saved: Option<SavedMask>,
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
    ) -> Result<Self, NotLocated> {
        let find = |label| match find_label(label, stem, folders).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            [first, second, ..] => Err(NotLocated::from(format!(
                "its {} exists twice ({} and {}); keep one or choose with `derivatives`",
                label.title(),
                first.display(),
                second.display()
            ))),
        };
        let cord = find(Label::Cord)?;
        let (csf, discs) = (find(Label::Csf)?, find(Label::Discs)?);
        let saved = cord.as_deref().and_then(|cord| SavedMask::read(cord, discs.as_deref()));
        let lesion = find(Label::Lesion)?;
        let located = Self { image: image.into(), cord, csf, discs, lesion, saved };
        if located.cord.is_none() {
            let stems = label_stems(stem).join(" or ");
            let suffixes = Label::Cord.suffixes().join(", ");
            let reason = format!(
                "no cord mask; `segment(cohort)` finds one; looked for {stems} followed by one of {suffixes} (`sct_deepseg spinalcord -i {}` makes one)",
                file_name(image)
            );
            return Err(NotLocated { reason, without_cord: Some(Box::new(located)) });
        }
        Ok(located)
    }

    pub(in crate::cohort) fn has_lesion_mask(&self) -> bool {
        self.lesion.is_some()
    }

    pub(in crate::cohort) fn saved_confidence(&self) -> Option<f32> {
        self.saved.as_ref().map(|saved| saved.confidence)
    }

    /// Reads all headers and compares the grids, without reading voxels. A label in another order
    /// of axes on the image's grid is brought to the image's. One whose header differs from
    /// the image's by less than half a voxel (some tools round it) is accepted: voxel for voxel it
    /// still means the same places. A note says so.
    ///
    /// # Errors
    /// If a header cannot be used, the image is not made of sagittal slices, or a label lies elsewhere.
    pub(in crate::cohort) fn check_headers(&self) -> Result<Vec<Note>> {
        Ok(self.grids()?.notes)
    }

    /// Reads image and labels, with the notes of [`Self::check_headers`]. What the voxels hold is
    /// checked by [`Preprocessing`](crate::cohort::Preprocessing).
    pub(in crate::cohort) fn read(
        &self,
        found: Option<&FoundMasks>,
    ) -> Result<(LabelledVolume, Vec<Note>)> {
        let mut grids = self.grids()?;
        let affine = grids.image.affine;
        let image = Volume { affine, ..Volume::read(&self.image)? };
        let optional =
            |path: &Option<PathBuf>| path.as_deref().map(|path| grids.label(path)).transpose();
        let mask = |mask: &Array3<bool>| as_volume(mask, affine);
        let sure = found.map(|found| self.sure(found, &grids.image)).transpose()?;
        let cord = optional(&self.cord)?.or_else(|| Some(mask(&sure.as_ref()?.cord)));
        let cord = cord.ok_or_else(|| self.without_cord())?;
        let csf = optional(&self.csf)?.or_else(|| Some(mask(&sure.as_ref()?.csf)));
        let found_discs = || {
            let found = found.filter(|found| !found.discs.is_empty())?;
            Some(Volume { voxels: found.disc_labels(), affine })
        };
        let discs = optional(&self.discs)?.or_else(found_discs);
        let lesion = optional(&self.lesion)?;
        let mut notes = std::mem::take(&mut grids.notes);
        notes.extend(sure.into_iter().flat_map(|sure| sure.notes));
        notes.extend(self.saved.iter().flat_map(SavedMask::notes));
        Ok((LabelledVolume { image, cord, csf, discs, lesion }, notes))
    }

    /// Reads the cord mask alone, in the place that [`Self::check_headers`] settles.
    pub(in crate::cohort) fn read_cord(&self, found: Option<&FoundMasks>) -> Result<Volume> {
        let grids = self.grids()?;
        match (&self.cord, found) {
            (Some(cord), _) => grids.label(cord),
            (None, Some(found)) => {
                Ok(as_volume(&self.sure(found, &grids.image)?.cord, grids.image.affine))
            }
            (None, None) => Err(self.without_cord()),
        }
    }

    fn without_cord(&self) -> Error {
        Error::file(&self.image, "no cord mask; `segment(cohort)` finds one")
    }

    /// The usable part of found masks: the slices whose cord is certain.
    pub(in crate::cohort) fn sure_masks(&self, found: &FoundMasks) -> Result<SureMasks> {
        self.sure(found, &self.grids()?.image)
    }

    fn sure(&self, found: &FoundMasks, image: &Geometry) -> Result<SureMasks> {
        let (rows, columns, slices) = found.cord.dim();
        if [rows, columns, slices] != image.shape {
            let reason = "has changed its size since its masks were found; use `segment` again";
            return Err(Error::file(&self.image, reason));
        }
        let sure = found.without_uncertain_slices(&image.affine);
        sure.map_err(|reason| Error::file(&self.image, reason))
    }

    /// Reads the image alone, in the place that [`Self::check_headers`] settles.
    pub(in crate::cohort) fn read_image(&self) -> Result<(Volume, Vec<Note>)> {
        let Grids { image: geometry, notes, .. } = self.grids()?;
        Ok((Volume { affine: geometry.affine, ..Volume::read(&self.image)? }, notes))
    }

    fn grids(&self) -> Result<Grids> {
        let mut image = ImageHeader::read(&self.image)?;
        let remark = |text: &String| Note::warning("the header of the image is unusual", text);
        let mut notes: Vec<Note> = image.notes.iter().map(remark).collect();
        if let Some((plane, mm)) = image.other_plane() {
            return Err(Error::file(
                &self.image,
                format!("is {plane} with slices of {mm:.1} mm; a sagittal series is needed"),
            ));
        }
        let mut labels = Vec::new();
        for (label, path) in self.labels() {
            labels.push((label, path, ImageHeader::read(path)?));
        }
        if image.orientation_is_guess {
            notes.push(settle_orientation(&mut image, &labels));
        }
        let mut reordered = Vec::new();
        for (label, path, header) in &labels {
            match fit(&image, header) {
                Fit::Same => {}
                Fit::Voxelwise(how) => notes.push(Note::new(
                    "the header of a mask differs from the image's; its voxels are taken for the image's",
                    format!("the {} {how}; its voxels are taken for the image's", label.title()),
                )),
                Fit::Reordered => reordered.push(path.to_path_buf()),
                Fit::Elsewhere(how) => {
                    return Err(Error::file(
                        path,
                        format!(
                            "the {} {how} {}; resample it to the image",
                            label.title(),
                            file_name(&self.image)
                        ),
                    ));
                }
            }
        }
        Ok(Grids { image: image.geometry, reordered, notes })
    }

    /// The image and its labels.
    pub(in crate::cohort) fn all(&self) -> Vec<&Path> {
        std::iter::once(self.image.as_path()).chain(self.labels().map(|(_, path)| path)).collect()
    }

    fn labels(&self) -> impl Iterator<Item = (Label, &Path)> {
        let labels = [
            (Label::Cord, &self.cord),
            (Label::Csf, &self.csf),
            (Label::Discs, &self.discs),
            (Label::Lesion, &self.lesion),
        ];
        labels.into_iter().filter_map(|(label, path)| Some((label, path.as_deref()?)))
    }
}

/// Why an image cannot be used as it is.
#[derive(Clone, Debug)]
pub(in crate::cohort) struct NotLocated {
    /// A clause.
    pub(in crate::cohort) reason: String,
    /// The image with what else it has, if it lacks nothing but a cord mask.
    pub(in crate::cohort) without_cord: Option<Box<VolumeFiles>>,
}

impl From<String> for NotLocated {
    fn from(reason: String) -> Self {
        Self { reason, without_cord: None }
    }
}

/// The grids of an image and its labels.
struct Grids {
    image: Geometry,
    /// Labels whose axes are in another order than the image's.
    reordered: Vec<PathBuf>,
    notes: Vec<Note>,
}

impl Grids {
    /// Reads a label onto the grid of the image.
    fn label(&self, path: &Path) -> Result<Volume> {
        let affine = self.image.affine;
        let volume = Volume::read(path)?;
        let voxels = if self.reordered.iter().any(|label| label == path) {
            let canonical = Orientation::to_sagittal(&volume.affine).apply(&volume.voxels);
            Orientation::to_sagittal(&affine).undo(&canonical)
        } else {
            volume.voxels
        };
        Ok(Volume { voxels, affine })
    }
}

/// A mask as a volume of 0 and 1.
fn as_volume(mask: &Array3<bool>, affine: Affine) -> Volume {
    Volume { voxels: mask.mapv(|inside| f32::from(u8::from(inside))), affine }
}

/// How a label lies to its image.
enum Fit {
    Same,
    /// Not quite by its header; the clause says how. Voxels with the same indices belong together.
    Voxelwise(String),
    /// On the same grid with its axes in another order.
    Reordered,
    /// On another grid; the clause says how it differs from the image, whose name follows.
    Elsewhere(String),
}

fn fit(image: &ImageHeader, label: &ImageHeader) -> Fit {
    let (grid, other) = (&image.geometry, &label.geometry);
    if grid.matches(other) {
        return Fit::Same;
    }
    if grid.shape == other.shape {
        if label.orientation_is_guess {
            return Fit::Voxelwise("has a header without orientation".into());
        }
        let distance = displacement(grid, other);
        if distance < 0.5 {
            return Fit::Voxelwise(format!(
                "lies up to {distance:.2} voxels away from the image by its header"
            ));
        }
    }
    let canonical = |geometry: &Geometry| {
        Orientation::to_sagittal(&geometry.affine).canonical_geometry(geometry)
    };
    let (grid, other) = (canonical(grid), canonical(other));
    if grid.shape != other.shape {
        let [image, label] = [&image.geometry, &label.geometry].map(extent);
        return Fit::Elsewhere(format!("has {label} voxels instead of the {image} of"));
    }
    match displacement(&grid, &other) {
        distance if distance < 0.5 => Fit::Reordered,
        distance => Fit::Elsewhere(format!("lies up to {distance:.1} voxels away from")),
    }
}

/// Takes the place of an image whose header gives none from a label with the same voxels whose header
/// does. The note says what was done.
fn settle_orientation(image: &mut ImageHeader, labels: &[(Label, &Path, ImageHeader)]) -> Note {
    let shape = image.geometry.shape;
    let placed =
        |header: &ImageHeader| !header.orientation_is_guess && header.geometry.shape == shape;
    let topic = "the header of the image gives no orientation (sform and qform codes are 0)";
    match labels.iter().find(|(.., header)| placed(header)) {
        Some((label, _, header)) => {
            image.geometry = header.geometry;
            let title = label.title();
            Note::warning(topic, format!("{topic}; that of its {title} was taken"))
        }
        None => Note::warning(
            topic,
            format!(
                "{topic}; its axes are taken for right, anterior and superior, which is a guess"
            ),
        ),
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
