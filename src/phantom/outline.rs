//! Cross-sections that are no ellipses: by how much a wall lies farther out than an ellipse, in every direction.

use std::f32::consts::TAU;

use super::texture::ellipse;
use super::wave::Wave;
use crate::context::Stream;

/// Directions in which a wall is known, from the front to the right, the back and the left.
pub(super) const ANGLES: usize = 24;
/// Heights at which it is known: from the highest one down, mm.
const TOP: f32 = 170.0;
const STEP: f32 = 2.0;
const HEIGHTS: usize = 181;

/// Distance of a wall from the centre as a share of the ellipse's, by direction.
pub(super) type Ring = [f32; ANGLES];

/// A wall along the spine. The default is an ellipse everywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// Superior first.
    rings: Vec<Ring>,
    /// The largest share anywhere.
    largest: Option<f32>,
}

impl Outline {
    /// An outline whose ring at a height `ring_at` says.
    pub fn new(ring_at: impl Fn(f32) -> Ring) -> Self {
        let rings: Vec<Ring> = (0..HEIGHTS).map(|i| ring_at(TOP - i as f32 * STEP)).collect();
        let largest = rings.iter().flatten().copied().reduce(f32::max);
        Self { rings, largest }
    }

    /// Ellipses with dents and bulges up to `most`, which change along the spine.
    pub fn random(stream: &mut Stream, most: f32) -> Self {
        let waves: [[Wave; 2]; 4] = std::array::from_fn(|_| {
            [Wave::draw(stream, most, 25.0..120.0), Wave::draw(stream, most, 25.0..120.0)]
        });
        Self::new(|along| {
            let at = waves.map(|[cosine, sine]| [cosine.at(along), sine.at(along)]);
            std::array::from_fn(|direction| {
                let angle = TAU * direction as f32 / ANGLES as f32;
                // Two-fold and more: a shift is no change of shape.
                let change = at.iter().enumerate().map(|(i, [cosine, sine])| {
                    let (s, c) = ((i + 2) as f32 * angle).sin_cos();
                    (cosine * c + sine * s) / (i + 1) as f32
                });
                1.0 + change.sum::<f32>().clamp(-0.35, 0.35)
            })
        })
    }

    /// The largest share anywhere.
    pub fn largest(&self) -> f32 {
        self.largest.unwrap_or(1.0)
    }

    /// Signed distance in mm to the wall of a place (front, right) from the centre, where the ellipse would have
    /// these half axes.
    pub fn distance(&self, along: f32, [front, right]: [f32; 2], half: [f32; 2]) -> f32 {
        if self.rings.is_empty() {
            return ellipse([front, right], half);
        }
        let angle = (right / half[1]).atan2(front / half[0]).rem_euclid(TAU);
        let share = self.share(along, angle);
        share * ellipse([front / share, right / share], half)
    }

    fn share(&self, along: f32, angle: f32) -> f32 {
        let height = ((TOP - along) / STEP).clamp(0.0, self.rings.len() as f32 - 1.001);
        let direction = angle / TAU * ANGLES as f32;
        let (i, t) = (height as usize, height.fract());
        let (j, u) = (direction as usize % ANGLES, direction.fract());
        let at = |i: usize| {
            let ring = &self.rings[i];
            ring[j] + u * (ring[(j + 1) % ANGLES] - ring[j])
        };
        at(i) + t * (at(i + 1) - at(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_moves_the_wall_in_its_direction_only() {
        let round = Outline::new(|_| [1.0; ANGLES]);
        let place = [3.0, 4.0];
        let half = [5.0, 9.0];
        let expected = ellipse(place, half);
        assert!((round.distance(-20.0, place, half) - expected).abs() < 1e-4);
        assert_eq!(Outline::default().distance(-20.0, place, half), expected);
        let mut ring = [1.0; ANGLES];
        ring[0] = 1.2;
        let dented = Outline::new(|_| ring);
        assert!(dented.distance(10.0, [6.0, 0.0], half).abs() < 1e-4);
        assert!(dented.distance(10.0, [-5.0, 0.0], half).abs() < 1e-4);
        assert!((dented.largest() - 1.2).abs() < 1e-6);
    }
}
