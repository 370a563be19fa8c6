//! One step of the Adam optimiser on slices.

use rayon::prelude::*;

/// Elements of a task.
const CHUNK: usize = 1 << 14;

/// Settings of Adam (Kingma and Ba, 2015), without weight decay.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    pub learning_rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
}

impl Adam {
    /// Moves `parameter` against `gradient` and updates the running moments `m` and `v`, all of
    /// one length. `step` counts from 1. As PyTorch: the bias corrections 1 - βˢ divide the
    /// moments, ε is added to the corrected root.
    pub fn step(
        &self,
        step: u32,
        parameter: &mut [f32],
        gradient: &[f32],
        m: &mut [f32],
        v: &mut [f32],
    ) {
        assert!([gradient.len(), m.len(), v.len()] == [parameter.len(); 3]);
        let correction = |beta: f32| 1.0 - f64::from(beta).powi(step.min(1 << 30) as i32);
        let rate = (f64::from(self.learning_rate) / correction(self.beta1)) as f32;
        let root = correction(self.beta2).sqrt() as f32;
        let (keep1, take1) = (self.beta1, 1.0 - self.beta1);
        let (keep2, take2) = (self.beta2, 1.0 - self.beta2);
        parameter
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK)))
            .for_each(|((parameter, gradient), (m, v))| {
                for (((p, g), m), v) in parameter.iter_mut().zip(gradient).zip(m).zip(v) {
                    *m = keep1 * *m + take1 * g;
                    *v = keep2 * *v + take2 * g * g;
                    *p -= rate * *m / (v.sqrt() / root + self.epsilon);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::test_support::noise;

    #[test]
    fn matches_the_published_formula_in_f64_over_several_steps() {
        let adam = Adam { learning_rate: 3e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
        let count = CHUNK + 77;
        let mut parameter = noise(count, 1.0, 1);
        let mut exact: Vec<[f64; 3]> =
            parameter.iter().map(|p| [f64::from(*p), 0.0, 0.0]).collect();
        let (mut m, mut v) = (vec![0.0; count], vec![0.0; count]);
        for step in 1..=5u32 {
            let gradient = noise(count, 0.1, 10 + u64::from(step));
            adam.step(step, &mut parameter, &gradient, &mut m, &mut v);
            for ([p, m, v], g) in exact.iter_mut().zip(&gradient) {
                let g = f64::from(*g);
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.95 * *v + 0.05 * g * g;
                let m_hat = *m / (1.0 - 0.9f64.powi(step as i32));
                let v_hat = *v / (1.0 - 0.95f64.powi(step as i32));
                *p -= 3e-3 * m_hat / (v_hat.sqrt() + 1e-8);
            }
        }
        for (p, [exact, ..]) in parameter.iter().zip(&exact) {
            assert!((f64::from(*p) - exact).abs() < 1e-5);
        }
    }
}
