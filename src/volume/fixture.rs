//! The `preprocess` fixture, for the tests of this module and of the preprocessing above it.

use ndarray::Array3;
use safetensors::SafeTensors;

/// One of its double-precision tensors.
pub(crate) fn preprocess(name: &str) -> Array3<f64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/preprocess.safetensors");
    let bytes = std::fs::read(path).expect("the fixture is there");
    let tensors = SafeTensors::deserialize(&bytes).expect("the fixture is valid");
    let tensor = tensors.tensor(name).expect("the tensor is there");
    let values = tensor.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()));
    let shape: [usize; 3] = tensor.shape().try_into().expect("three axes");
    Array3::from_shape_vec(shape, values.collect()).expect("the shape fits")
}
