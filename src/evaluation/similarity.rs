//! Similarity of two images or masks: SSIM, PSNR, Dice.

use ndarray::{Array2, Axis, Zip, s};

use super::Confusion;
use crate::{Error, Result};

/// Edge of the SSIM window, pixels.
const WINDOW: usize = 7;
/// Stabilisers (0.01 × range)² and (0.03 × range)² for a data range of 1.
const C1: f64 = 1e-4;
const C2: f64 = 9e-4;

/// Structural similarity at every pixel of two images with data range 1, over a uniform 7 × 7
/// window with sample covariance, as `skimage.metrics.structural_similarity`; beyond the border
/// images are continued by reflection.
///
/// # Errors
/// If the images differ in shape, are smaller than the window or hold values that are not finite.
pub fn ssim_map(a: &Array2<f32>, b: &Array2<f32>) -> Result<Array2<f64>> {
    check(a, b)?;
    if a.nrows().min(a.ncols()) < WINDOW {
        return Err(Error::input(format!(
            "images of {:?} pixels are smaller than the {WINDOW} × {WINDOW} window of SSIM",
            a.dim()
        )));
    }
    let (a, b) = (a.mapv(f64::from), b.mapv(f64::from));
    let (mean_a, mean_b) = (uniform(&a), uniform(&b));
    let (square_a, square_b, product) =
        (uniform(&(&a * &a)), uniform(&(&b * &b)), uniform(&(&a * &b)));
    let pixels = (WINDOW * WINDOW) as f64;
    let sample = pixels / (pixels - 1.0);
    let mut map = mean_a.clone();
    Zip::indexed(&mut map).for_each(|pixel, map| {
        let (x, y) = (mean_a[pixel], mean_b[pixel]);
        let variance_a = sample * (square_a[pixel] - x * x);
        let variance_b = sample * (square_b[pixel] - y * y);
        let covariance = sample * (product[pixel] - x * y);
        *map = (2.0 * x * y + C1) * (2.0 * covariance + C2)
            / ((x * x + y * y + C1) * (variance_a + variance_b + C2));
    });
    Ok(map)
}

/// Mean SSIM of two images over all pixels whose window lies inside, as scikit-image.
///
/// # Errors
/// As [`ssim_map`].
pub fn ssim(a: &Array2<f32>, b: &Array2<f32>) -> Result<f64> {
    let map = ssim_map(a, b)?;
    let border = WINDOW / 2;
    let inner = map.slice(s![border..map.nrows() - border, border..map.ncols() - border]);
    Ok(inner.sum() / inner.len() as f64)
}

/// Mean SSIM over the pixels of a mask; `None` for an empty mask.
///
/// # Errors
/// As [`ssim_map`], and if the mask has another shape.
pub fn ssim_within(a: &Array2<f32>, b: &Array2<f32>, mask: &Array2<bool>) -> Result<Option<f64>> {
    same_shape(a.dim(), mask.dim())?;
    let map = ssim_map(a, b)?;
    let (mut sum, mut count) = (0.0, 0_usize);
    for (value, _) in map.iter().zip(mask).filter(|(_, inside)| **inside) {
        sum += value;
        count += 1;
    }
    Ok((count > 0).then(|| sum / count as f64))
}

/// Peak signal-to-noise ratio of two images with data range 1, dB; infinite for equal images.
///
/// # Errors
/// If the images differ in shape, are empty or hold values that are not finite.
pub fn psnr_db(a: &Array2<f32>, b: &Array2<f32>) -> Result<f64> {
    check(a, b)?;
    if a.is_empty() {
        return Err(Error::input("the PSNR of images without pixels is not defined"));
    }
    let squared: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    Ok(psnr_of_mean_square(squared / a.len() as f64))
}

/// PSNR in dB of a mean squared error, data range 1.
pub(super) fn psnr_of_mean_square(mean_square: f64) -> f64 {
    -10.0 * mean_square.log10()
}

/// Dice coefficient of two masks; `None` if both are empty.
///
/// # Errors
/// If the masks differ in shape.
pub fn dice(found: &Array2<bool>, truth: &Array2<bool>) -> Result<Option<f64>> {
    same_shape(found.dim(), truth.dim())?;
    let count = |a: bool, b: bool| found.iter().zip(truth).filter(|pair| *pair == (&a, &b)).count();
    let confusion = Confusion {
        true_positives: count(true, true),
        false_positives: count(true, false),
        false_negatives: count(false, true),
        true_negatives: count(false, false),
    };
    Ok(confusion.f1())
}

fn check(a: &Array2<f32>, b: &Array2<f32>) -> Result<()> {
    same_shape(a.dim(), b.dim())?;
    if a.iter().chain(b).all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Error::input("images to compare must hold finite values only"))
}

fn same_shape(a: (usize, usize), b: (usize, usize)) -> Result<()> {
    if a == b {
        return Ok(());
    }
    Err(Error::input(format!("maps of {a:?} and {b:?} pixels cannot be compared")))
}

/// Mean over a window around every pixel, the border reflected (… 1 0 | 0 1 2 …).
fn uniform(image: &Array2<f64>) -> Array2<f64> {
    let half = (WINDOW / 2) as isize;
    let mut mean = image.clone();
    for axis in [Axis(0), Axis(1)] {
        for mut lane in mean.lanes_mut(axis) {
            let values = lane.to_vec();
            let last = values.len() as isize - 1;
            for (place, mean) in lane.iter_mut().enumerate() {
                let around = (-half..=half).map(|offset| {
                    let at = place as isize + offset;
                    let inside = if at < 0 { -1 - at } else { at.min(2 * last + 1 - at) };
                    values[inside as usize]
                });
                *mean = around.sum::<f64>() / WINDOW as f64;
            }
        }
    }
    mean
}
