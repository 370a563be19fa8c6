//! A phantom cohort as a BIDS tree.

use super::PhantomOptions;
use crate::Result;
use crate::context::Context;
use std::path::Path;
/// x
pub fn write_bids(_folder: &Path, _options: &PhantomOptions, _context: &Context) -> Result<()> {
    Ok(())
}
