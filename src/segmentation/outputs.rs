//! What the maps of the network mean.

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
