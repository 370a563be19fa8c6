//! Folders of preprocessed slices.

use std::path::Path;

use ndarray::{Array3, s};
use ndarray_npy::write_npy;

use super::*;
use crate::Error;

/// A slice of 16 pixels with a cord five pixels wide, fluid behind it and, if wanted, a lesion.
fn channels(lesion: bool) -> Array3<f64> {
    let mut channels = Array3::zeros((3, 16, 16));
    channels.slice_mut(s![0, .., ..]).fill(0.25);
    channels.slice_mut(s![2, 2..14, 4..9]).fill(3.0);
    channels.slice_mut(s![2, 2..14, 9..11]).fill(4.0);
    channels.slice_mut(s![2, .., 12..]).fill(7.0);
    channels.slice_mut(s![1, 2..14, 4..11]).fill(1.0);
    if lesion {
        channels.slice_mut(s![2, 6..8, 5..7]).fill(6.0);
    }
    channels
}

fn save(root: &Path, name: &str, channels: &Array3<f64>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_npy(path, channels).unwrap();
}

fn options() -> LoadOptions {
    LoadOptions { grid: SliceGrid::of_size(16), ..LoadOptions::default() }
}

/// The sentence a folder with one spoiled file is refused with.
fn refusal_of(spoil: impl Fn(&Path)) -> String {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a_1.npy");
    spoil(&path);
    let context = Context::new(0);
    let loaded = Cohort::load(root.path(), &options(), &context);
    let error = loaded.and_then(|cohort| cohort.subject(0, &context)).unwrap_err().to_string();
    let error = in_root(root.path(), &error);
    error
        .strip_prefix("subject a: ROOT/a_1.npy: ")
        .expect(&error)
        .replace(" (it is the only subject)", "")
}

#[test]
fn slices_that_show_nothing_in_the_cord_are_questioned() {
    let root = tempfile::tempdir().unwrap();
    let mut noisy = channels(false);
    noisy.indexed_iter_mut().filter(|((channel, ..), _)| *channel == 0).for_each(
        |((_, i, j), value)| {
            *value += 0.001 * ((3 * i + j) % 7) as f64;
        },
    );
    save(root.path(), "a_1.npy", &channels(false));
    save(root.path(), "b_1.npy", &noisy);
    let (listener, context) = listening();
    let cohort = Cohort::load(root.path(), &options(), &context).unwrap();
    assert_eq!(cohort.subjects(&context).unwrap().len(), 2);
    assert_eq!(
        listener.about_subjects(),
        [
            "subject a: its images have the same value everywhere in the cord, so its score says nothing"
        ]
    );
}

#[test]
fn slices_are_grouped_by_name_and_ordered_by_number() {
    let root = tempfile::tempdir().unwrap();
    for name in ["train/b_10.npy", "train/b_9.npy", "test/b_1.npy", "a_2.npy", "7.npy"] {
        save(root.path(), name, &channels(false));
    }
    let context = Context::new(0);
    let cohort = Cohort::load(root.path(), &options(), &context).unwrap();
    assert_eq!(cohort.names(), ["7", "a", "test/b", "train/b"]);
    let subject = cohort.subject(3, &context).unwrap();
    assert_eq!(subject.slices.iter().map(|slice| slice.index).collect::<Vec<_>>(), [9, 10]);
    assert!(subject.native_transform.is_none() && subject.discs.is_empty());
}

#[test]
fn a_slice_is_taken_apart_by_its_label_codes() {
    let root = tempfile::tempdir().unwrap();
    save(root.path(), "a_1.npy", &channels(true));
    save(root.path(), "a_2.npy", &channels(false));
    save(root.path(), "b_1.npy", &channels(false));
    let path = root.path().join("c_1.npy");
    write_npy(path, &channels(true).mapv(|value| value as f32)).unwrap();
    let context = Context::new(0);
    let subjects = Cohort::load(root.path(), &options(), &context).unwrap();
    let subjects = subjects.subjects(&context).unwrap();
    let slice = &subjects[0].slices[0];
    let count = |mask: &ndarray::Array2<bool>| mask.iter().filter(|&&inside| inside).count();
    assert_eq!(count(&slice.cord), 12 * 5, "the lesion is part of the cord");
    assert_eq!(count(&slice.csf), 12 * 2);
    assert_eq!(count(&slice.region), 12 * 7, "the region stands as the file has it");
    assert_eq!(count(&slice.scoring), 10 * 3, "the cord, eroded");
    assert!(slice.scoring[[3, 5]] && !slice.scoring[[2, 5]] && !slice.scoring[[3, 4]]);
    assert_eq!(slice.lesion.as_ref().map(count), Some(4));
    assert_eq!(slice.image[[0, 0]], 0.25);
    assert_eq!(slice.pixel_spacing_mm, (12.5, 12.5));
    assert_eq!(subjects[0].slices[1].lesion.as_ref().map(count), Some(0));
    assert_eq!(subjects[1].slices[0].lesion, None, "no 6 anywhere says nothing");
    assert_eq!(subjects[2].slices[0].cord, slice.cord, "32-bit files hold the same");
}

#[test]
fn an_empty_region_is_left_out_with_a_note() {
    let root = tempfile::tempdir().unwrap();
    save(root.path(), "a_1.npy", &Array3::zeros((3, 16, 16)));
    save(root.path(), "a_2.npy", &channels(false));
    save(root.path(), "b_1.npy", &Array3::zeros((3, 16, 16)));
    let (listener, context) = listening();
    let cohort = Cohort::load(root.path(), &options(), &context).unwrap();
    let subjects = cohort.subjects(&context).unwrap();
    assert_eq!(subjects.len(), 1);
    assert_eq!(subjects[0].slices.len(), 1);
    cohort.subjects(&context).unwrap();
    let notes: Vec<_> = listener
        .notes
        .lock()
        .unwrap()
        .iter()
        .skip(1)
        .map(|note| in_root(root.path(), note))
        .collect();
    assert_eq!(
        notes,
        ["1 slice file left out for an empty region of interest, the first ROOT/a_1.npy"]
    );
    assert_eq!(
        cohort.subject(1, &context).unwrap_err().to_string(),
        "subject b: all its slices have an empty region of interest"
    );
    assert_eq!(cohort.broken(), [("b", "all its slices have an empty region of interest")]);
    let strict = LoadOptions { strict: true, ..options() };
    let strict = Cohort::load(root.path(), &strict, &Context::new(0)).unwrap();
    assert!(strict.subjects(&Context::new(0)).is_err(), "one of two cannot be used");
}

#[test]
fn a_lesion_in_a_slice_that_is_left_out_makes_a_patient_all_the_same() {
    let root = tempfile::tempdir().unwrap();
    let mut left_out = channels(true);
    left_out.index_axis_mut(ndarray::Axis(0), 1).fill(0.0);
    save(root.path(), "a_1.npy", &left_out);
    save(root.path(), "a_2.npy", &channels(false));
    let context = Context::new(0);
    let cohort = Cohort::load(root.path(), &options(), &context).unwrap();
    let subject = cohort.subject(0, &context).unwrap();
    assert_eq!((subject.slices.len(), subject.has_lesion()), (1, Some(true)));
    assert_eq!(cohort.entry(0).unwrap().files().len(), 2);
}

#[test]
fn a_file_of_another_kind_is_refused_in_one_sentence() {
    assert_eq!(refusal_of(|path| write(path, "no array")), "is not a .npy file");
    assert_eq!(
        refusal_of(|path| write_npy(path, &Array3::<f64>::zeros((3, 32, 32))).unwrap()),
        "is 3 × 32 × 32, not 3 × 16 × 16; load it with size = 32"
    );
    assert_eq!(
        refusal_of(|path| write_npy(path, &Array3::<f64>::zeros((16, 16, 3))).unwrap()),
        "is 16 × 16 × 3, not 3 × 16 × 16; its channels are image, region of interest and labels"
    );
    assert_eq!(
        refusal_of(|path| write_npy(path, &Array3::<i32>::zeros((3, 16, 16))).unwrap()),
        "holds <i4; save it as 64- or 32-bit floats (<f8 or <f4)"
    );
    assert_eq!(
        refusal_of(|path| write_npy(path, &(channels(false) * 400.0)).unwrap()),
        "holds the intensity 100; the first channel must be scaled to [0, 1]"
    );
    let mut nan = channels(false);
    nan[[1, 3, 3]] = f64::NAN;
    assert_eq!(
        refusal_of(|path| write_npy(path, &nan).unwrap()),
        "its region or labels are not finite numbers; write 0 where there is nothing"
    );
}

#[test]
fn two_files_with_the_same_index_are_refused() {
    let root = tempfile::tempdir().unwrap();
    save(root.path(), "a_1.npy", &channels(false));
    save(root.path(), "a_01.npy", &channels(false));
    assert_eq!(
        refusal(root.path(), &options()),
        "subject a: a_01.npy and a_1.npy have the same slice index; rename one (it is the only subject)"
    );
}

#[test]
fn the_published_example_slices_load() {
    let root = Path::new("../shared/data/real/u2ad");
    if !root.exists() {
        println!("skipped: ../shared/data/real/u2ad is not there");
        return;
    }
    let context = Context::new(0);
    let cohort = Cohort::load(root, &LoadOptions::default(), &context).unwrap();
    let subjects = cohort.subjects(&context).unwrap();
    let slices: Vec<_> = subjects.iter().map(|subject| subject.slices.len()).collect();
    assert_eq!((cohort.names(), slices), (vec!["private", "public"], vec![3, 1]));
    let lesion = subjects[0].slices[1].lesion.as_ref().unwrap();
    assert_eq!(lesion.iter().filter(|&&lesion| lesion).count(), 19);
    assert_eq!(subjects[1].slices[0].region.iter().filter(|&&inside| inside).count(), 2);
    assert_eq!(subjects[0].slices[0].pixel_spacing_mm, (0.78125, 0.78125));
}

#[test]
fn a_header_with_any_byte_changed_reads_or_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a_1.npy");
    write_npy(&path, &channels(false)).unwrap();
    let sound = fs::read(&path).unwrap();
    let context = Context::new(0);
    let (mut read, mut refused) = (0, 0);
    for at in 0..sound.len() - channels(false).len() * 8 {
        for byte in [0, b' ', b'(', b'9', 0xff] {
            let mut changed = sound.clone();
            changed[at] = byte;
            write(&path, &changed);
            let loaded = Cohort::load(root.path(), &options(), &context);
            match loaded.and_then(|cohort| cohort.subject(0, &context)) {
                Ok(_) => read += 1,
                Err(Error::Subject { .. }) => refused += 1,
                Err(other) => panic!("byte {at} = {byte}: {other}"),
            }
        }
    }
    assert!(read > 0 && refused > read, "{read} read, {refused} refused");
}
