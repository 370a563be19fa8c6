//! Detected lesions as rows of the language.

use starlark::values::dict::AllocDict;
use starlark::values::none::NoneOr;
use starlark::values::{Heap, Value};

use crate::detection::Finding;
use crate::export::{DetectedLesion, detected_lesions};
use crate::{Error, Result};

/// A lesion as a row for `table`: what stands in the columns of an export's lesions.tsv.
fn lesion_row<'v>(lesion: &DetectedLesion, heap: Heap<'v>) -> Value<'v> {
    let whole = |count: usize| heap.alloc(count as i64);
    let number = |value: Option<f64>| value.map_or(Value::new_none(), |value| heap.alloc(value));
    let [i, j, k] = lesion.centre_voxel.map(|index| heap.alloc(index));
    heap.alloc(AllocDict([
        ("subject", heap.alloc(lesion.subject.as_str())),
        ("lesion", whole(lesion.number)),
        ("segment", heap.alloc(NoneOr::from_option(lesion.segment.clone()))),
        ("voxels", whole(lesion.voxels)),
        ("volume_mm3", heap.alloc(lesion.volume_mm3)),
        ("length_mm", number(lesion.length_mm)),
        ("diameter_mm", heap.alloc(lesion.diameter_mm)),
        ("mean_anomaly", heap.alloc(lesion.mean_anomaly)),
        ("highest_anomaly", heap.alloc(lesion.highest_anomaly)),
        ("i", i),
        ("j", j),
        ("k", k),
    ]))
}

/// The rows of one finding's lesions.
pub(super) fn lesion_rows<'v>(
    finding: &Finding,
    threshold: f64,
    heap: Heap<'v>,
) -> Result<Vec<Value<'v>>> {
    if !(threshold > 0.0 && threshold.is_finite()) {
        return Err(Error::input(format!(
            "lesions: `threshold` must be a number above 0, not {threshold}"
        )));
    }
    let lesions = detected_lesions(finding, threshold)?.ok_or_else(|| {
        Error::subject(
            &*finding.subject.name,
            "its slices came preprocessed and have no volume to measure lesions in",
        )
    })?;
    Ok(lesions.iter().map(|lesion| lesion_row(lesion, heap)).collect())
}
