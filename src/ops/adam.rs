//! One Adam update, in a single pass over a parameter.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::operand::{fused_on, with_floats};

/// Elements of a task.
const CHUNK: usize = 1 << 14;

/// The numbers of an Adam update.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Decay of the two moments.
    pub beta: [f64; 2],
    /// Added to the square root of the second moment.
    pub epsilon: f64,
    pub learning_rate: f64,
    /// Updates so far, this one included.
    pub number: usize,
}

/// A parameter with its two moments, of its shape.
pub struct AdamState {
    pub parameter: Tensor,
    pub first: Tensor,
    pub second: Tensor,
}

impl AdamStep {
    /// What becomes of `state` under `gradient`. Outside the autograd graph.
    ///
    /// # Errors
    /// If the four shapes differ.
    pub fn apply(&self, state: &AdamState, gradient: &Tensor) -> Result<AdamState> {
        let AdamState { parameter, first, second } = state;
        if [gradient, first, second].iter().any(|tensor| tensor.shape() != parameter.shape()) {
            bail!(
                "adam: a parameter {:?}, its gradient {:?} and moments {:?}, {:?} do not match",
                parameter.dims(),
                gradient.dims(),
                first.dims(),
                second.dims()
            );
        }
        if ![parameter, gradient, first, second].into_iter().all(fused_on) {
            return self.composite(state, gradient);
        }
        let count = parameter.elem_count();
        let mut new = [vec![0.0; count], vec![0.0; count], vec![0.0; count]];
        with_floats([parameter, gradient, first, second], |from| {
            let [p, g, m, v] = from.map(|slice| slice.par_chunks(CHUNK));
            let [to_p, to_m, to_v] = new.each_mut().map(|to| to.par_chunks_mut(CHUNK));
            let to = to_p.zip(to_m).zip(to_v);
            to.zip(p.zip(g).zip(m.zip(v))).for_each(|(((to_p, to_m), to_v), ((p, g), (m, v)))| {
                to_p.copy_from_slice(p);
                to_m.copy_from_slice(m);
                to_v.copy_from_slice(v);
                self.update(to_p, to_m, to_v, g);
            });
        })?;
        let tensor = |values| Tensor::from_vec(values, parameter.shape(), parameter.device());
        let [parameter, first, second] = new;
        Ok(AdamState {
            parameter: tensor(parameter)?,
            first: tensor(first)?,
            second: tensor(second)?,
        })
    }

    /// What the moments' weighted means lack after few updates: 1 - βⁿ.
    fn corrections(&self) -> [f64; 2] {
        self.beta.map(|beta| 1.0 - beta.powi(self.number as i32))
    }

    fn update(&self, parameter: &mut [f32], first: &mut [f32], second: &mut [f32], grad: &[f32]) {
        let [beta_1, beta_2] = self.beta.map(|beta| beta as f32);
        let [share_1, share_2] = self.beta.map(|beta| (1.0 - beta) as f32);
        let [correction_1, correction_2] = self.corrections();
        let (rate, unbias) = ((self.learning_rate / correction_1) as f32, 1.0 / correction_2);
        let (unbias, epsilon) = (unbias as f32, self.epsilon as f32);
        let moments = first.iter_mut().zip(second);
        for ((p, g), (m, v)) in parameter.iter_mut().zip(grad).zip(moments) {
            *m = *m * beta_1 + g * share_1;
            *v = *v * beta_2 + g * g * share_2;
            *p -= *m * rate / ((*v * unbias).sqrt() + epsilon);
        }
    }

    /// The same from candle's own operations: other devices and types, and the tests' oracle.
    fn composite(&self, state: &AdamState, gradient: &Tensor) -> Result<AdamState> {
        let [beta_1, beta_2] = self.beta;
        let [correction_1, correction_2] = self.corrections();
        let first = ((&state.first * beta_1)? + (gradient * (1.0 - beta_1))?)?;
        let second = ((&state.second * beta_2)? + (gradient.sqr()? * (1.0 - beta_2))?)?;
        let scale = ((&second / correction_2)?.sqrt()? + self.epsilon)?;
        let change = ((&first * (self.learning_rate / correction_1))? / scale)?;
        let parameter = (&state.parameter - change)?;
        Ok(AdamState {
            parameter: parameter.detach(),
            first: first.detach(),
            second: second.detach(),
        })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::ops::test_support::*;

    fn step(number: usize) -> AdamStep {
        AdamStep { beta: [0.9, 0.95], epsilon: 1e-8, learning_rate: 3e-3, number }
    }

    fn start(count: usize) -> Result<AdamState> {
        let parameter = noise_tensor(&[count], 1.0, 1);
        let zeros = parameter.zeros_like()?;
        Ok(AdamState { parameter, first: zeros.clone(), second: zeros })
    }

    #[test]
    fn follows_the_composite_over_several_steps() -> Result<()> {
        let mut fused = start(40_003)?;
        let double = |tensor: &Tensor| tensor.to_dtype(DType::F64);
        let mut exact = AdamState {
            parameter: double(&fused.parameter)?,
            first: double(&fused.first)?,
            second: double(&fused.second)?,
        };
        for number in 1..=5 {
            let gradient = noise_tensor(&[40_003], 0.1, number as u64);
            fused = step(number).apply(&fused, &gradient)?;
            exact = step(number).apply(&exact, &double(&gradient)?)?;
        }
        assert!(largest_difference(&fused.parameter, &exact.parameter) < 5e-7);
        assert!(largest_difference(&fused.first, &exact.first) < 1e-7);
        assert!(largest_difference(&fused.second, &exact.second) < 1e-8);
        Ok(())
    }

    #[test]
    fn the_first_step_is_as_long_as_the_learning_rate() -> Result<()> {
        let state = start(100)?;
        let gradient = noise_tensor(&[100], 5.0, 2);
        let moved = (step(1).apply(&state, &gradient)?.parameter - &state.parameter)?.abs()?;
        let rate = Tensor::full(3e-3f32, 100, moved.device())?;
        assert!(largest_difference(&moved, &rate) < 1e-6);
        Ok(())
    }

    #[test]
    fn shapes_that_differ_are_an_error() -> Result<()> {
        assert!(step(1).apply(&start(4)?, &noise_tensor(&[5], 1.0, 1)).is_err());
        Ok(())
    }
}
