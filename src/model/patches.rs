//! Images as rows of patches and back.

use ndarray::{Array2, ArrayView2};

/// Cuts an image (H, W) into square patches of edge `patch`: (L, patch²), patches and the pixels
/// inside each in row-major order. H and W must be multiples of `patch`.
pub fn patchify<T: Copy + Default>(image: ArrayView2<T>, patch: usize) -> Array2<T> {
    let (rows, columns) = (image.nrows() / patch, image.ncols() / patch);
    Array2::from_shape_fn((rows * columns, patch * patch), |(index, pixel)| {
        let (row, column) = (index / columns, index % columns);
        image[[row * patch + pixel / patch, column * patch + pixel % patch]]
    })
}

/// The inverse of [`patchify`] for a square image.
pub fn unpatchify<T: Copy + Default>(patches: ArrayView2<T>, patch: usize) -> Array2<T> {
    let grid = patches.nrows().isqrt();
    Array2::from_shape_fn((grid * patch, grid * patch), |(row, column)| {
        let index = (row / patch) * grid + column / patch;
        patches[[index, (row % patch) * patch + column % patch]]
    })
}

/// Sum of a map over each patch: (L,).
pub fn patch_sums(map: ArrayView2<f32>, patch: usize) -> Vec<f32> {
    patchify(map, patch).rows().into_iter().map(|pixels| pixels.sum()).collect()
}

/// Pixels of a region in each patch: (L,). A patch belongs to the region if this is not 0.
pub fn patch_counts(region: ArrayView2<bool>, patch: usize) -> Vec<u32> {
    patchify(region, patch)
        .rows()
        .into_iter()
        .map(|pixels| pixels.iter().filter(|inside| **inside).count() as u32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpatchify_undoes_patchify() {
        let image = Array2::from_shape_fn((12, 12), |(r, c)| (r * 100 + c) as f32);
        let patches = patchify(image.view(), 4);
        assert_eq!(patches.dim(), (9, 16));
        assert_eq!(patches[[1, 0]], 4.0);
        assert_eq!(patches[[3, 5]], 501.0);
        assert_eq!(unpatchify(patches.view(), 4), image);
    }
}
