//! What the tests of this module and of the preprocessing above it share.

use ndarray::{Array2, Array3};
use safetensors::SafeTensors;

/// One of the double-precision tensors of the `preprocess` fixture.
pub(crate) fn preprocess(name: &str) -> Array3<f64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/preprocess.safetensors");
    let bytes = std::fs::read(path).expect("the fixture is there");
    let tensors = SafeTensors::deserialize(&bytes).expect("the fixture is valid");
    let tensor = tensors.tensor(name).expect("the tensor is there");
    let values = tensor.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()));
    let shape: [usize; 3] = tensor.shape().try_into().expect("three axes");
    Array3::from_shape_vec(shape, values.collect()).expect("the shape fits")
}

/// A mask drawn in text: `#` is inside.
pub(crate) fn mask(rows: &[&str]) -> Array2<bool> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| {
        rows[row].as_bytes()[column] == b'#'
    })
}
