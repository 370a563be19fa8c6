//! The slices of a series as one volume: their order, their spacing, the affine.

use super::frame::{Frame, dot};
use crate::volume::{Affine, Geometry, MAX_EDGE, MAX_VOXELS};

/// Slices nearer than this lie at the same place, mm.
const SAME_PLACE: f64 = 1e-3;
/// How far a slice may lie from its place in an equally spaced stack, in units of the spacing: headers
/// round positions, and never as much.
const OFF_PLACE: f64 = 0.05;
/// Slices of one station lie nearer than this in their plane, and those of two farther than that, mm.
const SAME_STATION: f64 = 2.0;
const OTHER_STATION: f64 = 10.0;
/// More stations than a spine needs: such slices are something else.
const MOST_STATIONS: usize = 8;
/// Slices that are farther apart than so many times their thickness and gap are remarked on.
const SPARSE: f64 = 1.8;
/// Largest relative difference of pixel sizes of one volume.
const OTHER_SIZE: f64 = 1e-4;

/// Sorts images by their place along the normal of the first, never by their number.
pub(super) fn sort_along_normal(frames: &mut [Frame]) {
    let Some(normal) = frames.first().map(Frame::normal) else { return };
    frames.sort_by(|a, b| dot(a.position, normal).total_cmp(&dot(b.position, normal)));
}

/// Shape and affine of sorted slices. The error is a clause.
pub(super) fn stacked(frames: &[Frame]) -> Result<Geometry, String> {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return Err("has no slices".into());
    };
    if frames.len() < 2 {
        return Err("has a single slice".into());
    }
    let shape = [first.columns, first.rows, frames.len()];
    let voxels = shape.iter().try_fold(1usize, |voxels, &size| voxels.checked_mul(size));
    if shape.iter().any(|&size| size > MAX_EDGE) || voxels.is_none_or(|n| n > MAX_VOXELS) {
        let [i, j, k] = shape;
        return Err(format!(
            "has {i} × {j} × {k} voxels; at most {MAX_EDGE} along an axis and {MAX_VOXELS} in all are accepted"
        ));
    }
    let other_size = |frame: &Frame| {
        (0..2).any(|n| (frame.spacing[n] / first.spacing[n] - 1.0).abs() > OTHER_SIZE)
    };
    if frames.iter().any(other_size) {
        return Err("has slices with different pixel sizes".into());
    }
    check_stations(frames)?;
    check_spacing(frames)?;
    let steps = (frames.len() - 1) as f64;
    let step = [0, 1, 2].map(|n| (last.position[n] - first.position[n]) / steps);
    for (place, frame) in frames.iter().enumerate() {
        let off = [0, 1, 2].map(|n| frame.position[n] - first.position[n] - step[n] * place as f64);
        if dot(off, off).sqrt() > OFF_PLACE * dot(step, step).sqrt() {
            return Err(
                "has slices that are not equally spaced along a straight line; it is no volume"
                    .into(),
            );
        }
    }
    let across = dot(step, first.normal());
    let aside = [0, 1, 2].map(|n| step[n] - across * first.normal()[n]);
    if dot(aside, aside).sqrt() > OFF_PLACE * dot(step, step).sqrt() {
        return Err("has slices that are shifted against each other; it is no volume".into());
    }
    let [along, down] = first.directions;
    let [row_step, column_step] = first.spacing;
    let last_row = (first.rows - 1) as f64 * row_step;
    // To the right and to the front, where DICOM counts to the left and to the back.
    let rows = [(0, -1.0), (1, -1.0), (2, 1.0)].map(|(n, sign)| {
        [
            sign * along[n] * column_step,
            // The last row comes first, as in files of dcm2niix.
            -sign * down[n] * row_step,
            sign * step[n],
            sign * (first.position[n] + down[n] * last_row),
        ]
    });
    Ok(Geometry { shape, affine: Affine(rows) })
}

fn name(frame: &Frame) -> String {
    format!("{}, frame {}", frame.path.display(), frame.index + 1)
}

/// Whether slices are of several stations, which lie apart in the plane of the slices: of the neck and of the chest,
/// for example. The error is a clause.
fn check_stations(frames: &[Frame]) -> Result<(), String> {
    let apart = |one: &Frame, other: &Frame| {
        let between = [0, 1, 2].map(|n| other.position[n] - one.position[n]);
        let [along, down] = one.directions.map(|direction| dot(between, direction));
        along.hypot(down)
    };
    // The first image of each, and how many there are.
    let mut stations: Vec<(&Frame, usize)> = Vec::new();
    for frame in frames {
        let near = |(first, _): &(&Frame, usize)| apart(first, frame) < SAME_STATION;
        match stations.iter().position(near) {
            Some(at) => stations[at].1 += 1,
            None if stations.len() == MOST_STATIONS => return Ok(()),
            None => stations.push((frame, 1)),
        }
    }
    let [(first, _), (second, _), ..] = stations.as_slice() else { return Ok(()) };
    // Slices that are shifted against each other have many places, each once.
    let is_station = |(at, (one, count)): (usize, &(&Frame, usize))| {
        *count > 1 && stations[..at].iter().all(|(other, _)| apart(one, other) > OTHER_STATION)
    };
    if !stations.iter().enumerate().all(is_station) {
        return Ok(());
    }
    Err(format!(
        "holds {} stations: its slices lie {:.0} mm apart in their plane ({} and {}); export or import each station \
         as a series of its own, from a folder of its own",
        stations.len(),
        apart(first, second),
        name(first),
        name(second)
    ))
}

/// A clause on slices (sorted, `step` mm apart) between which others may be missing everywhere, by their thickness.
/// Where the scanner gives the distance of slices, [`stacked`] knows better.
pub(super) fn sparse(frames: &[Frame], step: f64) -> Option<String> {
    let given = frames.first()?.thickness_and_gap?;
    let times = step / given;
    (times >= SPARSE).then(|| {
        format!(
            "its slices are {step:.1} mm apart, {times:.1} times their thickness with the gap as far as it is known \
             ({given:.1} mm); slices may be missing regularly, such as every second one"
        )
    })
}

/// Whether slices lie at the same place, or are missing. The error is a clause.
fn check_spacing(frames: &[Frame]) -> Result<(), String> {
    let Some(normal) = frames.first().map(Frame::normal) else { return Ok(()) };
    let place = |frame: &Frame| dot(frame.position, normal);
    let step = |pair: &[Frame]| place(&pair[1]) - place(&pair[0]);
    let mut steps: Vec<f64> = frames.windows(2).map(step).collect();
    if let Some(pair) = frames.windows(2).find(|pair| step(pair) < SAME_PLACE) {
        let apart = pair[0].repeats(&pair[1]);
        let differing = match apart.as_slice() {
            [] => String::new(),
            names => format!(", which differ in {}", names.join(", ")),
        };
        let mut places = frames.chunk_by(|a, b| place(b) - place(a) < SAME_PLACE).map(<[_]>::len);
        let each = places.next().unwrap_or(1);
        return Err(if each > 1 && places.all(|count| count == each) {
            format!(
                "has {each} images of every slice{differing}: time points, echoes, or several series in one; keep \
                 one of each slice in the folder"
            )
        } else {
            format!(
                "has two different images at the same place, {:.1} mm ({} and {}){differing}; keep one of each \
                 slice in the folder",
                place(&pair[0]),
                name(&pair[0]),
                name(&pair[1])
            )
        });
    }
    steps.sort_by(f64::total_cmp);
    let usual = steps[steps.len() / 2];
    let unequal = |pair: &&[Frame]| (step(pair) / usual - 1.0).abs() > 2.0 * OFF_PLACE;
    let Some(pair) = frames.windows(2).find(unequal) else { return check_step(usual, frames) };
    let (here, missing) = (step(pair), (step(pair) / usual).round() - 1.0);
    let whole = (here / usual - missing - 1.0).abs() <= 2.0 * OFF_PLACE;
    Err(if whole && missing >= 1.0 {
        let slices = if missing == 1.0 { "slice is" } else { "slices are" };
        format!(
            "lacks slices: {missing} {slices} missing between {:.1} mm and {:.1} mm along the normal of the \
             slices; export the series again",
            place(&pair[0]),
            place(&pair[1])
        )
    } else {
        format!(
            "has slices that are not equally spaced: {here:.2} mm between those at {:.1} mm and {:.1} mm along \
             their normal, {usual:.2} mm elsewhere; export the series again",
            place(&pair[0]),
            place(&pair[1])
        )
    })
}

/// Whether the slices are as far apart as the scanner says, where it does: every second one may be missing.
fn check_step(step: f64, frames: &[Frame]) -> Result<(), String> {
    let Some(given) = frames.first().and_then(|frame| frame.slice_spacing) else { return Ok(()) };
    let times = step / given;
    if times < 1.5 || (times - times.round()).abs() > 2.0 * OFF_PLACE {
        return Ok(());
    }
    Err(format!(
        "lacks slices: they are {step:.1} mm apart, {times:.0} times as far as they were acquired ({given:.1} mm by \
         SpacingBetweenSlices); export the series again"
    ))
}
