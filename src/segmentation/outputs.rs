//! What the network looks at, and what its maps mean.

/// Numbers of the discs in the Spinal Cord Toolbox that have a heat-map each: 2 = C1/C2 (base of the dens'
/// upper end), 3 = C2/C3 … 8 = C7/T1, 9 = T1/T2.
pub(super) const DISCS: [u8; 8] = [2, 3, 4, 5, 6, 7, 8, 9];

/// Positions of the maps.
pub(super) struct Outputs;

impl Outputs {
    pub const CORD: usize = 0;
    pub const FLUID: usize = 1;
    pub const FIRST_DISC: usize = 2;
    pub const COUNT: usize = Self::FIRST_DISC + DISCS.len();
}

impl Outputs {
    /// Probabilities of logits at one pixel, in place. Cord and fluid stand for themselves; a pixel belongs to one
    /// disc or to none.
    pub fn probabilities(logits: &mut [f32; Self::COUNT]) {
        let (masks, discs) = logits.split_at_mut(Self::FIRST_DISC);
        masks.iter_mut().for_each(|logit| *logit = 1.0 / (1.0 + (-*logit).exp()));
        // The logit of "no disc" is 0.
        let largest = discs.iter().copied().fold(0.0, f32::max);
        let mut sum = (-largest).exp();
        for logit in discs.iter_mut() {
            *logit = (*logit - largest).exp();
            sum += *logit;
        }
        discs.iter_mut().for_each(|value| *value /= sum);
    }
}

/// What the network looks at, one channel each.
pub(super) struct Inputs;

impl Inputs {
    /// The slice to one side, the slice itself, the slice to the other side, and the distance between them.
    pub const COUNT: usize = 4;
    pub const SLICE: usize = 1;
    pub const SPACING: usize = 3;
    /// The distance that becomes 1 in its channel, mm.
    const UNIT_SPACING: f32 = 5.0;

    /// Value of the channel of the distance between slices.
    pub fn spacing(mm: f32) -> f32 {
        (mm / Self::UNIT_SPACING).min(2.0)
    }
}
