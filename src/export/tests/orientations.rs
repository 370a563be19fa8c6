//! A painted lesion on its way from the file through the program and back, in all 48 storage orders, on
//! straight and oblique grids. What is expected is computed here, without the code of orientations.

use std::path::Path;

use ndarray::Array3;

use super::*;
use crate::cohort::{LoadOptions, Slice};
use crate::detection::{Reconstruction, Reconstructor, Scoring};
use crate::volume::{Affine, Geometry, write_mask};

/// Slices from right to left, rows from superior to inferior, columns from anterior to posterior.
const SHAPE: [usize; 3] = [7, 38, 32];
/// Edges of a voxel along slices, rows and columns, mm, and turns about the patient's x, y and z, degrees:
/// isotropic voxels and thick slices of uneven pixels, straight and oblique.
const GRIDS: [([f64; 3], [f64; 3]); 5] = [
    ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
    ([1.0, 1.0, 1.0], [-8.0, 14.0, 6.0]),
    ([3.3, 0.95, 0.7], [0.0, 0.0, 0.0]),
    ([3.3, 0.95, 0.7], [12.0, 0.0, 0.0]),
    ([3.3, 0.95, 0.7], [15.0, -9.0, 21.0]),
];
/// Fine pixels, so that every voxel holds several and none is lost.
const FINE: SliceGrid =
    SliceGrid { size: 160, fov_mm: 40, slice_mm: 0, intensity: IntensityScale::Percentile };
/// Three voxels down, two back, two to the left: no turn or mirror image of it is the same.
const PAINTED: [[usize; 3]; 5] = [[3, 15, 15], [3, 16, 15], [3, 17, 15], [3, 15, 16], [4, 15, 15]];

/// A way to store canonical axes: which one each stored axis holds, and whether backwards.
#[derive(Clone, Copy, Debug)]
struct Storage {
    axes: [usize; 3],
    backwards: [bool; 3],
}

impl Storage {
    fn all() -> impl Iterator<Item = Self> {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        orders.into_iter().flat_map(|axes| {
            (0..8).map(move |signs| Self {
                axes,
                backwards: [0, 1, 2].map(|axis| signs >> axis & 1 == 1),
            })
        })
    }

    /// Stored voxel of a canonical one.
    fn stored(self, canonical: [usize; 3]) -> [usize; 3] {
        [0, 1, 2].map(|axis| {
            let (from, length) = (canonical[self.axes[axis]], SHAPE[self.axes[axis]]);
            if self.backwards[axis] { length - 1 - from } else { from }
        })
    }

    fn draw<T: Copy + Default>(self, value: impl Fn([usize; 3]) -> T) -> Array3<T> {
        let [i, j, k] = self.axes.map(|axis| SHAPE[axis]);
        let mut stored = Array3::from_elem((i, j, k), T::default());
        for slice in 0..SHAPE[0] {
            for row in 0..SHAPE[1] {
                for column in 0..SHAPE[2] {
                    stored[self.stored([slice, row, column])] = value([slice, row, column]);
                }
            }
        }
        stored
    }

    fn affine(self, place: &Place) -> Affine {
        let origin = [0, 1, 2].map(|canonical| {
            let axis = self.axes.iter().position(|axis| *axis == canonical).unwrap();
            if self.backwards[axis] { (SHAPE[canonical] - 1) as f64 } else { 0.0 }
        });
        let origin = place.position(origin);
        Affine([0, 1, 2].map(|row| {
            let [i, j, k] = [0, 1, 2].map(|axis| {
                let step = place.steps[self.axes[axis]][row];
                if self.backwards[axis] { -step } else { step }
            });
            [i, j, k, origin[row]]
        }))
    }
}

/// Where the canonical axes lie in the scanner: the step along each, mm.
struct Place {
    steps: [[f64; 3]; 3],
}

impl Place {
    const CENTRE: [f64; 3] = [12.5, -31.0, 47.0];

    fn new(edges: [f64; 3], turns: [f64; 3]) -> Self {
        // To the left, down, to the back.
        let mut steps = [[-edges[0], 0.0, 0.0], [0.0, 0.0, -edges[1]], [0.0, -edges[2], 0.0]];
        for (about, degrees) in turns.into_iter().enumerate() {
            let (sin, cos) = f64::to_radians(degrees).sin_cos();
            let (a, b) = ((about + 1) % 3, (about + 2) % 3);
            for step in &mut steps {
                (step[a], step[b]) = (cos * step[a] - sin * step[b], sin * step[a] + cos * step[b]);
            }
        }
        Self { steps }
    }

    fn position(&self, canonical: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|row| {
            let offset = |axis: usize| canonical[axis] - (SHAPE[axis] - 1) as f64 / 2.0;
            let along = |axis: usize| offset(axis) * self.steps[axis][row];
            Self::CENTRE[row] + along(0) + along(1) + along(2)
        })
    }

    /// Canonical voxel nearest to a position: the steps stand at right angles.
    fn voxel(&self, position: [f64; 3]) -> [i64; 3] {
        [0, 1, 2].map(|axis| {
            let step = self.steps[axis];
            let along: f64 =
                (0..3).map(|row| (position[row] - Self::CENTRE[row]) * step[row]).sum();
            let square: f64 = step.iter().map(|x| x * x).sum();
            (along / square + (SHAPE[axis] - 1) as f64 / 2.0).round() as i64
        })
    }
}

/// Knows the lesion: its anomaly is the preprocessed ground truth, its reconstruction the image.
struct Oracle;

impl Reconstructor for Oracle {
    fn name(&self) -> String {
        "oracle".into()
    }

    fn scoring(&self) -> Scoring {
        Scoring::Learned
    }

    fn reconstruct(&self, slices: &[&Slice], _: &Context) -> crate::Result<Vec<Reconstruction>> {
        let known = |slice: &&Slice| {
            let lesion = slice.lesion.as_ref().expect("the file has a mask");
            let lesion = lesion.mapv(|inside| f32::from(u8::from(inside)));
            Reconstruction {
                reconstruction: slice.image.clone(),
                error: lesion.clone(),
                variance: None,
                probability: Some(lesion),
                anomaly: None,
            }
        };
        Ok(slices.iter().map(known).collect())
    }
}

fn write_subject(folder: &Path, name: &str, storage: Storage, place: &Place) {
    let affine = storage.affine(place);
    let in_cord =
        |[slice, _, column]: [usize; 3]| (1..6).contains(&slice) && (10..22).contains(&column);
    let voxels = storage.draw(|at| match () {
        () if PAINTED.contains(&at) => 400.0,
        () if in_cord(at) => 200.0,
        () => 80.0 + (at[1] + at[2]) as f32,
    });
    let path = |ending: &str| folder.join(format!("{name}_T2w{ending}.nii.gz"));
    Volume { voxels, affine }.write(&path(""), None).unwrap();
    write_mask(&storage.draw(in_cord), affine, &path("_label-SC_seg"), None).unwrap();
    let painted = storage.draw(|at| PAINTED.contains(&at));
    write_mask(&painted, affine, &path("_label-lesion_seg"), None).unwrap();
}

#[test]
fn a_painted_lesion_comes_back_in_its_own_voxels_in_every_orientation() {
    let context = Context::new(0);
    let storages: Vec<Storage> = Storage::all().collect();
    assert_eq!(storages.len(), 48);
    for (edges, turns) in GRIDS {
        let folder = tempfile::tempdir().unwrap();
        let (raw, exported) = (folder.path().join("raw"), folder.path().join("exported"));
        fs::create_dir(&raw).unwrap();
        let place = Place::new(edges, turns);
        for (number, storage) in storages.iter().enumerate() {
            write_subject(&raw, &format!("sub-{number:02}"), *storage, &place);
        }
        let options = LoadOptions { grid: FINE, ..LoadOptions::default() };
        let cohort = Cohort::load(&raw, &options, &context).unwrap();
        let subjects = cohort.subjects(&context).unwrap();
        assert_eq!(subjects.len(), 48);
        let found = detect(&Oracle, &subjects, None, &context).unwrap();
        export(&found, &cohort, Some(&threshold(0.5)), &exported, &context).unwrap();
        for (number, storage) in storages.iter().enumerate() {
            check(&exported, &format!("sub-{number:02}"), *storage, &place);
        }
    }
}

/// Whether the maps of one subject show the lesion where it was painted.
fn check(exported: &Path, name: &str, storage: Storage, place: &Place) {
    let map = |ending: &str| {
        Volume::read(&exported.join(format!("{name}/anat/{name}{ending}.nii.gz"))).unwrap()
    };
    let painted = storage.draw(|at| if PAINTED.contains(&at) { 1.0 } else { 0.0 });
    let shape = storage.axes.map(|axis| SHAPE[axis]);
    let source = Geometry { shape, affine: storage.affine(place) };
    for ending in ["_label-lesion_desc-u2ad_probseg", "_label-lesion_desc-u2ad_mask"] {
        let map = map(ending);
        assert!(map.geometry().matches(&source), "{storage:?} {ending}: {:?}", map.affine);
        assert_eq!(map.voxels, painted, "{storage:?} {ending}");
    }
    // The image comes back too, where it is brightest; pixels of 1 mm in between blur it into neighbours.
    let image = map("_desc-reconstruction_T2w");
    let (brightest, _) = image
        .voxels
        .indexed_iter()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .expect("the image has voxels");
    let brightest = [brightest.0, brightest.1, brightest.2];
    let beside = |at: &[usize; 3]| {
        storage.stored(*at).iter().zip(brightest).all(|(a, b)| a.abs_diff(b) <= 1)
    };
    assert!(PAINTED.iter().any(beside), "{storage:?}: {brightest:?}");
    // On preprocessed pixels the affine says where they lie: inside the voxels that were painted.
    let fine = map("_res-u2ad_desc-anomaly_T2w");
    let mut reached = std::collections::BTreeSet::new();
    for ((slice, row, column), value) in fine.voxels.indexed_iter() {
        if *value > 0.5 {
            let at = fine.affine.position([slice as f64, row as f64, column as f64]);
            let voxel = place.voxel(at).map(|index| index as usize);
            assert!(PAINTED.contains(&voxel), "{storage:?}: {voxel:?}");
            reached.insert(voxel);
        }
    }
    assert_eq!(reached.len(), PAINTED.len(), "{storage:?}");
}
