//! Where a header places the image: sform, qform or voxel sizes.

use nifti::{Endianness, NiftiHeader};

use crate::volume::{Affine, Geometry, Orientation};

/// The affine that a header gives.
pub(super) struct Placing {
    pub(super) affine: Affine,
    /// Whether it follows from voxel sizes alone.
    pub(super) is_guess: bool,
    /// Clauses about the choice that its user should know.
    pub(super) notes: Vec<String>,
}

/// The sform if it is set and usable, else the qform, else voxel sizes alone (axes then count as R, A,
/// S). The error is a clause.
pub(super) fn placing(nifti: &NiftiHeader) -> Result<Placing, String> {
    let widen = |row: [f32; 4]| row.map(f64::from);
    let usable = |affine: Affine, name: &str| match affine.fault() {
        None => Ok(affine),
        Some(fault) => Err(format!("an orientation ({name}) that {fault}")),
    };
    let rows = Affine([widen(nifti.srow_x), widen(nifti.srow_y), widen(nifti.srow_z)]);
    let sform = (nifti.sform_code > 0).then(|| usable(rows, "sform"));
    let qform = (nifti.qform_code > 0).then(|| usable(qform(nifti)?, "qform"));
    let placed = |affine, notes| Ok(Placing { affine, is_guess: false, notes });
    match (sform, qform) {
        (Some(Ok(sform)), Some(Ok(qform))) => {
            let on = if Orientation::to_sagittal(&sform) != Orientation::to_sagittal(&qform) {
                Some("the order or direction of its axes")
            } else if differ(sform.spacing(), qform.spacing()) {
                Some("the size of its voxels")
            } else {
                None
            };
            let contradiction = on.map(|on| {
                format!("its sform and qform contradict each other on {on}; the sform counts")
            });
            placed(sform, contradiction.into_iter().collect())
        }
        (Some(Ok(affine)), _) | (None, Some(Ok(affine))) => placed(affine, Vec::new()),
        (Some(Err(fault)), Some(Ok(affine))) => {
            placed(affine, vec![format!("has {fault}; its qform was used instead")])
        }
        (Some(Err(fault)), _) | (None, Some(Err(fault))) => Err(format!("has {fault}")),
        (None, None) => {
            let [x, y, z] = voxel_edges(nifti);
            let affine = Affine([[x, 0.0, 0.0, 0.0], [0.0, y, 0.0, 0.0], [0.0, 0.0, z, 0.0]]);
            let affine = usable(affine, "pixdim").map_err(|fault| format!("has {fault}"))?;
            Ok(Placing { affine, is_guess: true, notes: Vec::new() })
        }
    }
}

/// Whether two sizes of a voxel are not the same but for rounding and a slight shear.
fn differ(one: [f64; 3], other: [f64; 3]) -> bool {
    const SHARE: f64 = 0.05;
    one.iter().zip(other).any(|(one, other)| (one - other).abs() > SHARE * one.max(other))
}

/// A quaternion whose square is this close to 1 is a half turn, as in nifti1_io.c: what is left is rounding
/// of single precision, and its root would turn the image by up to 0.03 degrees.
const HALF_TURN: f64 = 1e-7;

/// Rotation from the quaternion, as in nifti1_io.c; a qfac other than -1 counts as 1.
fn qform(nifti: &NiftiHeader) -> Result<Affine, String> {
    let [mut b, mut c, mut d] = [nifti.quatern_b, nifti.quatern_c, nifti.quatern_d].map(f64::from);
    let square = b * b + c * c + d * d;
    if !square.is_finite() || square > 1.001 {
        return Err("an orientation (qform) whose quaternion is not a rotation".into());
    }
    let mut a = (1.0 - square).max(0.0).sqrt();
    if 1.0 - square < HALF_TURN {
        let length = square.sqrt();
        (b, c, d) = (b / length, c / length, d / length);
        a = 0.0;
    }
    let [x, y, mut z] = voxel_edges(nifti);
    if nifti.pixdim[0] < 0.0 {
        z = -z;
    }
    let [ox, oy, oz] = [nifti.quatern_x, nifti.quatern_y, nifti.quatern_z].map(f64::from);
    let (aa, bb, cc, dd) = (a * a, b * b, c * c, d * d);
    Ok(Affine([
        [x * (aa + bb - cc - dd), y * 2.0 * (b * c - a * d), z * 2.0 * (b * d + a * c), ox],
        [x * 2.0 * (b * c + a * d), y * (aa + cc - bb - dd), z * 2.0 * (c * d - a * b), oy],
        [x * 2.0 * (b * d - a * c), y * 2.0 * (c * d + a * b), z * (aa + dd - bb - cc), oz],
    ]))
}

/// Voxel edges in mm. The sign of `pixdim` carries no meaning beyond its first entry.
fn voxel_edges(nifti: &NiftiHeader) -> [f64; 3] {
    [1, 2, 3].map(|axis| f64::from(nifti.pixdim[axis]).abs())
}

/// A header for a new image without template: geometry in the sform and, unless the axes are oblique to each
/// other, in the qform (some tools look at one of them only); millimetres.
pub(in crate::volume) fn from_geometry(geometry: &Geometry) -> NiftiHeader {
    const MILLIMETRES: u8 = 2;
    let spacing = geometry.affine.spacing();
    let mut pixdim = [1.0; 8];
    for (to, from) in pixdim[1..4].iter_mut().zip(spacing) {
        *to = from as f32;
    }
    let [srow_x, srow_y, srow_z] = geometry.affine.0.map(|row| row.map(|x| x as f32));
    let header = NiftiHeader {
        pixdim,
        srow_x,
        srow_y,
        srow_z,
        sform_code: SCANNER,
        qform_code: 0,
        xyzt_units: MILLIMETRES,
        regular: b'r',
        endianness: Endianness::Little,
        ..NiftiHeader::default()
    };
    let rotated = with_qform(&header, &geometry.affine);
    match qform(&rotated) {
        Ok(affine) if geometry.matches(&Geometry { affine, ..*geometry }) => rotated,
        _ => header,
    }
}

/// The code of an orientation in the scanner's coordinates.
const SCANNER: i16 = 1;

/// `header` with the quaternion of the affine's axes, as if they were at right angles.
fn with_qform(header: &NiftiHeader, affine: &Affine) -> NiftiHeader {
    let spacing = affine.spacing();
    let [x, y, mut z] = [0, 1, 2].map(|axis| affine.axis(axis).map(|edge| edge / spacing[axis]));
    let is_mirrored = affine.is_mirrored();
    if is_mirrored {
        z = z.map(|edge| -edge);
    }
    let [b, c, d] = quaternion([x, y, z]).map(|part| part as f32);
    let mut rotated = header.clone();
    rotated.pixdim[0] = if is_mirrored { -1.0 } else { 1.0 };
    (rotated.quatern_b, rotated.quatern_c, rotated.quatern_d) = (b, c, d);
    let [ox, oy, oz] = affine.0.map(|row| row[3] as f32);
    (rotated.quatern_x, rotated.quatern_y, rotated.quatern_z) = (ox, oy, oz);
    rotated.qform_code = SCANNER;
    rotated
}

/// The parts b, c, d of the quaternion, with a part a of 0 or more, that turns the axes of space to these.
fn quaternion(axes: [[f64; 3]; 3]) -> [f64; 3] {
    let r = |row: usize, column: usize| axes[column][row];
    // The largest part is the root of a sum; the others follow from products with it.
    let squares = [
        1.0 + r(0, 0) + r(1, 1) + r(2, 2),
        1.0 + r(0, 0) - r(1, 1) - r(2, 2),
        1.0 - r(0, 0) + r(1, 1) - r(2, 2),
        1.0 - r(0, 0) - r(1, 1) + r(2, 2),
    ];
    let largest = (0..4).fold(0, |best, n| if squares[n] > squares[best] { n } else { best });
    let products = match largest {
        0 => [squares[0], r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1)],
        1 => [r(2, 1) - r(1, 2), squares[1], r(0, 1) + r(1, 0), r(0, 2) + r(2, 0)],
        2 => [r(0, 2) - r(2, 0), r(0, 1) + r(1, 0), squares[2], r(1, 2) + r(2, 1)],
        _ => [r(1, 0) - r(0, 1), r(0, 2) + r(2, 0), r(1, 2) + r(2, 1), squares[3]],
    };
    let sign = if products[0] < 0.0 { -1.0 } else { 1.0 };
    let half = 0.5 * sign / squares[largest].sqrt();
    [half * products[1], half * products[2], half * products[3]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_qform_of_any_rotation_is_its_sform(
            turn in prop::array::uniform3(-3.2..3.2f64),
            edges in prop::array::uniform3(0.2..5.0f64),
            order in prop::sample::select(vec![[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2]]),
            quarter_turns in any::<bool>(),
        ) {
            let mut axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
            for (plane, angle) in turn.into_iter().enumerate() {
                let (i, j) = [(0, 1), (0, 2), (1, 2)][plane];
                let quarter = std::f64::consts::FRAC_PI_2;
                let angle = if quarter_turns { (angle / quarter).round() * quarter } else { angle };
                for axis in &mut axes {
                    let (a, b) = (axis[i], axis[j]);
                    axis[i] = a * angle.cos() - b * angle.sin();
                    axis[j] = a * angle.sin() + b * angle.cos();
                }
            }
            let column = |axis: usize| order[axis];
            let row = |n: usize| {
                [0, 1, 2, 3].map(|axis| if axis < 3 { axes[column(axis)][n] * edges[axis] } else { 7.0 * n as f64 - 3.0 })
            };
            let affine = Affine([row(0), row(1), row(2)]);
            let header = from_geometry(&Geometry { shape: [300, 300, 60], affine });
            prop_assert!(header.qform_code == 1 || !quarter_turns);
            // Near a half turn, the part of the quaternion that is not stored has half the digits of the others.
            let tolerance = if quarter_turns { 1e-6 } else { 1e-3 };
            let found = qform(&with_qform(&header, &affine)).unwrap();
            for (found, expected) in found.0.iter().flatten().zip(affine.0.iter().flatten()) {
                prop_assert!((found - expected).abs() < tolerance * 5.0, "{found:?} is not {affine:?}");
            }
        }
    }

    #[test]
    fn axes_that_are_oblique_to_each_other_have_no_qform() {
        let affine = Affine([[1.0, 0.2, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]]);
        let header = from_geometry(&Geometry { shape: [100, 100, 12], affine });
        assert_eq!((header.qform_code, header.sform_code), (0, 1));
        assert_eq!(header.pixdim[0], 1.0);
    }
}
