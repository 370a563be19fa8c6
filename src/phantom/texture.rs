//! Smooth random fields without memory: the same seed and place always give the same value, so a
//! texture needs no stored image and no order of evaluation.

/// Coverage of a pixel by a structure: 1 inside, 0 outside, a ramp of width `edge` around the
/// surface. `distance` is signed, negative inside; both in mm.
pub(super) fn cover(distance: f32, edge: f32) -> f32 {
    (0.5 - distance / edge).clamp(0.0, 1.0)
}

/// Rises smoothly from 0 at `low` to 1 at `high` (falls if `high < low`).
pub(super) fn smooth_step(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A bump of height 1 and standard deviation `width` around `centre`.
pub(super) fn bump(value: f32, centre: f32, width: f32) -> f32 {
    let t = (value - centre) / width;
    (-0.5 * t * t).exp()
}

/// Signed distance in mm to an axis-parallel ellipse with the given radii (first order).
pub(super) fn ellipse([x, y]: [f32; 2], [rx, ry]: [f32; 2]) -> f32 {
    let (u, v) = (x / rx, y / ry);
    let radius = (u * u + v * v).sqrt();
    if radius < 1e-3 {
        return -rx.min(ry);
    }
    let gradient = ((u / rx).powi(2) + (v / ry).powi(2)).sqrt();
    radius * (radius - 1.0) / gradient
}

/// Signed distance in mm to the segment `from`–`to` thickened to a radius that changes along it.
pub(super) fn capsule(point: [f32; 2], from: [f32; 2], to: [f32; 2], radii: [f32; 2]) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let rel = [point[0] - from[0], point[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let t = ((rel[0] * along[0] + rel[1] * along[1]) / length).clamp(0.0, 1.0);
    let off = [rel[0] - t * along[0], rel[1] - t * along[1]];
    (off[0] * off[0] + off[1] * off[1]).sqrt() - (radii[0] + t * (radii[1] - radii[0]))
}

/// Union of two shapes with the seam filled over `seam` mm.
pub(super) fn smooth_min(a: f32, b: f32, seam: f32) -> f32 {
    let h = (seam - (a - b).abs()).max(0.0) / seam;
    a.min(b) - 0.25 * seam * h * h
}

/// Intersection of two shapes with the edge rounded over `seam` mm.
pub(super) fn smooth_max(a: f32, b: f32, seam: f32) -> f32 {
    -smooth_min(-a, -b, seam)
}

/// Value noise in [-1, 1] with features about `scale` mm large along each axis.
pub(super) fn noise(seed: u32, point: [f32; 3], scale: [f32; 3]) -> f32 {
    let mut cell = [0i32; 3];
    let mut t = [0f32; 3];
    let [px, py, pz] = [0, 1, 2].map(|axis| point[axis] / scale[axis]);
    // Turned, so that the lattice does not show along the axes of the image.
    let turned =
        [0.8 * px + 0.6 * py, 0.64 * py - 0.48 * px + 0.6 * pz, 0.36 * px - 0.48 * py + 0.8 * pz];
    for axis in 0..3 {
        let position = turned[axis];
        let lower = position.floor();
        cell[axis] = lower as i32;
        let f = position - lower;
        t[axis] = f * f * (3.0 - 2.0 * f);
    }
    let mut total = 0.0;
    for corner in 0..8 {
        let mut weight = 1.0;
        let mut place = cell;
        for axis in 0..3 {
            let far = corner >> axis & 1;
            place[axis] += far;
            weight *= if far == 1 { t[axis] } else { 1.0 - t[axis] };
        }
        total += weight * lattice(seed, place);
    }
    total
}

/// Thin sheets: 1 on the zero surface of a noise field, falling to 0 within `width` of it (in
/// units of the noise, so wider where the field is flat). Looks like septa and fibres.
pub(super) fn strands(seed: u32, point: [f32; 3], scale: [f32; 3], width: f32) -> f32 {
    1.0 - (noise(seed, point, scale).abs() / width).min(1.0)
}

/// A hash of a lattice point, uniform in [-1, 1].
fn lattice(seed: u32, [x, y, z]: [i32; 3]) -> f32 {
    let mut h = seed
        ^ (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ (z as u32).wrapping_mul(0xcb1a_b31f);
    h = (h ^ (h >> 16)).wrapping_mul(0x7feb_352d);
    h = (h ^ (h >> 15)).wrapping_mul(0x846c_a68b);
    h ^= h >> 16;
    h as f32 / (u32::MAX as f32 / 2.0) - 1.0
}
