//! From voxels as they are stored to voxels that can be interpolated.

use ndarray::Array3;

use super::outliers::{Replaced, replace_outliers};
use crate::cohort::note::Note;
use crate::context::counted;
use crate::statistics::extremes;

/// Makes the voxels of an image ready for interpolation: NaN becomes the background, what lies far
/// from all others is replaced, and the smallest value becomes 0, which is what the field is padded
/// with. So an image with another intercept gives the same slices.
///
/// # Errors
/// A clause, if voxels are infinite or all are NaN.
pub(crate) fn settle_voxels(voxels: &mut Array3<f32>) -> Result<Vec<Note>, String> {
    let infinite = voxels.fold(0, |count, value| count + usize::from(value.is_infinite()));
    if infinite > 0 {
        return Err(format!(
            "infinite: {infinite} voxels of its image; replace them with numbers first"
        ));
    }
    let (least_number, _) = extremes(voxels);
    if !least_number.is_finite() {
        return Err("all voxels of its image are NaN".into());
    }
    voxels.mapv_inplace(|value| if value.is_nan() { least_number } else { value });
    let Replaced { fills, outliers } = replace_outliers(voxels);
    let (least_voxel, _) = extremes(voxels);
    voxels.mapv_inplace(|value| value - least_voxel);
    let fill_note = |(value, count): (f32, usize)| {
        let topic =
            "{} voxels of the image hold a value far from all others and count as background";
        let value = if value.abs() < 1e7 { value.to_string() } else { format!("{value:e}") };
        let (hold, count_as) = if count == 1 { ("holds", "counts") } else { ("hold", "count") };
        let text = format!(
            "{} of its image {hold} {value}, far from all others, and {count_as} as background",
            counted(count, "voxel")
        );
        Note::warning(topic, text).of(count as f64)
    };
    let mut notes: Vec<Note> = fills.into_iter().map(fill_note).collect();
    if outliers > 0 {
        let topic = "{} voxels of the image lie far beyond all others and were limited";
        let text = match outliers {
            1 => "1 voxel of its image lies far beyond all others and was limited".to_owned(),
            many => {
                format!("{many} voxels of its image lie far beyond all others and were limited")
            }
        };
        notes.push(Note::warning(topic, text).of(outliers as f64));
    }
    Ok(notes)
}
