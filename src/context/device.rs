//! Names of devices.

use candle_core::Device;

/// The device's name on the command line, in scripts and in records: "cpu", "cuda" or "metal".
pub fn device_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}
