//! Damaged, contradictory and oversized images: each is refused with a sentence that says why, or read
//! right. No header makes the reader claim memory that the file does not fill.
//!
//! `stored/sentences.snap` holds what is said about each. After a change on purpose,
//! `INSTA_UPDATE=always cargo test --release --test hostile_volumes` stores it anew.

mod containers;
mod image;
mod nifti1;
mod nifti2;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use image::{gzip, one, two, with};
use u2ad::volume::{Geometry, ImageHeader, Volume};

/// What reading must give: part of the refusing sentence, or success.
enum Expected {
    Refused(&'static str),
    Read,
}

/// The name, header and, if there are any, voxels of a pair, and what it gives: "read" or words of the sentence.
type Pair = (&'static str, Vec<u8>, Option<Vec<u8>>, &'static str);
/// A name, a file and what reading it must give.
type Case = (&'static str, Vec<u8>, Expected);

/// Longest time that a file may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Memory that reading takes whatever the file: buffers and decoded slabs.
const BUFFERS: u64 = 64 << 20;
/// Bytes of a voxel in memory.
const VOXEL: u64 = 4;

/// A number without endless zeros.
fn plain(number: f32) -> String {
    if number == 0.0 || (1e-3..1e6).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// What was read, in a line.
fn summary(volume: &Volume, notes: &[String]) -> String {
    let [i, j, k] = volume.geometry().shape;
    let [x, y, z] = volume.geometry().affine.spacing();
    let finite = volume.voxels.iter().copied().filter(|voxel| voxel.is_finite());
    let (low, high) =
        finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let mut text = format!("read: {i} × {j} × {k} voxels of {x:.3} × {y:.3} × {z:.3} mm");
    match volume.non_finite_count() {
        0 => write!(text, ", {} to {}", plain(low), plain(high)).unwrap(),
        count => write!(text, ", {count} of them not finite").unwrap(),
    }
    for note in notes {
        write!(text, "; {note}").unwrap();
    }
    text
}

/// Memory of this process at its highest since the last call, and now, in bytes.
#[cfg(target_os = "linux")]
fn memory() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let bytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
    };
    let found = (bytes("VmHWM:")?, bytes("VmRSS:")?);
    // Begins to measure anew.
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(found)
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<(u64, u64)> {
    None
}

/// The other test allocates next to nothing, so that what the process takes more is this file's.
#[test]
fn every_hostile_volume_is_read_right_or_refused_with_its_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<Case> =
        nifti1::cases().into_iter().chain(nifti2::cases()).chain(containers::cases()).collect();
    assert!(cases.len() >= 180, "{}", cases.len());
    let path = folder.path().join("volume.nii.gz");
    let mut table = String::new();
    for (name, bytes, expected) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let length = bytes.len() as u64;
        drop(bytes);
        let (_, before) = memory().unzip();
        let begun = Instant::now();
        let read = Volume::read(&path);
        let taken = begun.elapsed();
        let highest = memory().map(|(highest, _)| highest);
        assert!(taken < PATIENCE, "{name} took {taken:?}");
        if let (Some(highest), Some(before)) = (highest, before) {
            let voxels = read.as_ref().map_or(0, |volume| volume.voxels.len() as u64);
            // A refused file may have filled the image that its header promises.
            let promised = Geometry::read(&path)
                .map_or(0, |header| header.shape.iter().product::<usize>() as u64);
            let most = BUFFERS + VOXEL * voxels.max(promised).min(1100 * length);
            let more = highest.saturating_sub(before);
            assert!(more <= most, "{name}: {length} bytes take {} MB", more >> 20);
        }
        let said = match &read {
            Ok(volume) => {
                let header = ImageHeader::read(&path).expect(name);
                assert_eq!(header.geometry, volume.geometry(), "{name}");
                summary(volume, &header.notes)
            }
            Err(error) => {
                let sentence = error.to_string();
                assert_eq!(sentence.lines().count(), 1, "{name}: {sentence}");
                let place = format!("{}: ", path.display());
                assert!(sentence.starts_with(&place), "{name}: {sentence}");
                sentence[place.len()..].to_owned()
            }
        };
        match (read.is_ok(), expected) {
            (true, Expected::Refused(part)) => panic!("{name}: {said}, not refused for {part:?}"),
            (false, Expected::Read) => panic!("{name}: {said}"),
            (false, Expected::Refused(part)) => assert!(said.contains(part), "{name}: {said}"),
            (true, Expected::Read) => {}
        }
        writeln!(table, "{name}\n    {said}").unwrap();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("stored");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("sentences", table));
}

/// Files of a pair, which say together what a single file says.
#[test]
fn every_hostile_pair_is_read_right_or_refused_with_its_sentence() {
    let header = with(with(one(), 344, b"ni1\0"), 108, &0f32.to_le_bytes())[..348].to_vec();
    let header_2 = with(with(two(), 4, b"ni2\0"), 168, &0i64.to_le_bytes())[..540].to_vec();
    let voxels = one()[352..].to_vec();
    let at = |offset: f32| with(header.clone(), 108, &offset.to_le_bytes());
    let cases: Vec<Pair> = vec![
        ("a pair", header.clone(), Some(voxels.clone()), "read"),
        ("a pair of NIfTI-2", header_2, Some(voxels.clone()), "read"),
        ("compressed voxels", header.clone(), Some(gzip(&voxels)), "read"),
        ("more voxels", header.clone(), Some(voxels.repeat(2)), "read"),
        ("voxels behind a gap", at(16.0), Some([&[0; 16], &voxels[..]].concat()), "read"),
        ("a compressed header", gzip(&header), Some(voxels.clone()), "read"),
        ("no voxel file", header.clone(), None, "volume.hdr: is a header without its voxels"),
        ("an empty voxel file", header.clone(), Some(vec![]), "volume.img: is empty"),
        (
            "too few voxels",
            header.clone(),
            Some(voxels[..239].to_vec()),
            "volume.img: is truncated",
        ),
        (
            "voxels cut short in a stream",
            header.clone(),
            Some(gzip(&voxels)[..30].to_vec()),
            "volume.img: is truncated",
        ),
        ("voxels behind the end", at(1.0), Some(voxels.clone()), "volume.img: is truncated"),
        (
            "voxels at -16",
            at(-16.0),
            Some(voxels.clone()),
            "volume.hdr: says its voxels start at byte -16",
        ),
        ("half a header", header[..100].to_vec(), Some(voxels.clone()), "volume.hdr: is too short"),
        (
            "the header of ANALYZE",
            with(header.clone(), 344, &[0; 4]),
            Some(voxels.clone()),
            "volume.hdr: lacks the NIfTI-1 magic",
        ),
        (
            "a pointer instead of voxels",
            header,
            Some(b"/annex/objects/MD5E-s1--a.img\n".to_vec()),
            "git annex get",
        ),
    ];
    for (name, header, voxels, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume.hdr");
        std::fs::write(&path, header).unwrap();
        if let Some(voxels) = voxels {
            std::fs::write(folder.path().join("volume.img"), voxels).unwrap();
        }
        let said = match Volume::read(&path) {
            Ok(volume) => {
                assert_eq!(volume.voxels.iter().sum::<f32>(), 7140.0, "{name}");
                "read".to_owned()
            }
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected) && said.lines().count() == 1, "{name}: {said}");
    }
}

#[test]
fn the_voxels_of_a_pair_are_not_taken_for_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("volume.img");
    std::fs::write(&path, &one()[352..]).unwrap();
    let refused = || Volume::read(&path).unwrap_err().to_string();
    assert!(refused().ends_with("is too short for a NIfTI header"), "{}", refused());
    std::fs::write(folder.path().join("volume.hdr"), &one()[..348]).unwrap();
    assert!(
        refused().ends_with("holds the voxels of a pair; give its header, volume.hdr"),
        "{}",
        refused()
    );
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |path: &Path| Volume::read(path).unwrap_err().to_string();
    assert!(refusal(folder.path()).contains("is a folder"));
    assert!(refusal(&folder.path().join("a.nii")).contains("there is no such file"));
    #[cfg(unix)]
    assert!(refusal(Path::new("/dev/zero")).contains("is not a file"));
}
