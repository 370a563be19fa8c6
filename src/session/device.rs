//! Which device a session computes on.

use candle_core::Device;

use crate::options::unknown;
use crate::{Error, Result};

/// Names that [`open_device`] takes.
pub(super) const DEVICES: [&str; 4] = ["auto", "cpu", "cuda", "metal"];

/// Opens the device called `name`: "cpu", "cuda", "metal", or "auto" for the fastest one that
/// this build supports and this machine has.
///
/// # Errors
/// [`Error::Input`] for another name, for a device that this build does not support, and for one
/// that cannot be opened.
pub fn open_device(name: &str) -> Result<Device> {
    match name {
        "auto" => Ok(first_accelerator().unwrap_or(Device::Cpu)),
        "cpu" => Ok(Device::Cpu),
        "cuda" => accelerator("CUDA", "cuda", cfg!(feature = "cuda"), Device::new_cuda),
        "metal" => accelerator("Metal", "metal", cfg!(feature = "metal"), Device::new_metal),
        _ => Err(unknown("device", name, &DEVICES)),
    }
}

fn first_accelerator() -> Option<Device> {
    let cuda = cfg!(feature = "cuda").then(|| Device::new_cuda(0).ok()).flatten();
    cuda.or_else(|| cfg!(feature = "metal").then(|| Device::new_metal(0).ok()).flatten())
}

fn accelerator(
    title: &str,
    feature: &str,
    compiled_in: bool,
    open: fn(usize) -> candle_core::Result<Device>,
) -> Result<Device> {
    if !compiled_in {
        return Err(Error::input(format!(
            "this u2ad was built without {title}; build it with \
             `cargo build --release --features {feature}` or choose device(\"cpu\")"
        )));
    }
    open(0).map_err(|error| Error::input(format!("the {title} device cannot be opened: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::device_name;

    #[test]
    fn auto_always_finds_a_device_and_other_names_are_refused() {
        assert!(open_device("auto").is_ok());
        assert_eq!(device_name(&open_device("cpu").unwrap()), "cpu");
        let error = open_device("gpu").unwrap_err().to_string();
        assert!(error.contains("no device \"gpu\""), "{error}");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_compiled_in_says_how_to_get_it() {
        let error = open_device("cuda").unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
