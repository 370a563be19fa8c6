//! Monte-Carlo estimation on several ranks: each reconstructs whole slices under masks that rank 0 drew.

use candle_core::{Device, Tensor};
use ndarray::{Array2, Array3};

use super::{MonteCarlo, Uncertainty};
use crate::cohort::Slice;
use crate::context::{Context, Progress, Ranks};
use crate::model::{Message, Network, PatchOrder, Subject, ask, patchify};
use crate::{Error, Result};

const IMAGE: &str = "image";
const SAMPLES: &str = "samples";

impl MonteCarlo {
    /// The maps of each slice under the masks of its order, as on one rank.
    pub(super) fn on_ranks(
        &self,
        ranks: &dyn Ranks,
        network: &Network,
        slices: &[&Slice],
        orders: &[PatchOrder],
        context: &Context,
        progress: &Progress,
    ) -> Result<Vec<Uncertainty>> {
        let mut weights = Message::new(Subject::Network(*network.config()));
        weights.tensors.clone_from(network.tensors());
        let weights = weights.encode()?;
        for rank in 1..ranks.size() {
            ranks.send(rank, &weights)?;
        }
        let patch = network.config().patch;
        let mut maps = Vec::with_capacity(slices.len());
        for (slices, orders) in slices.chunks(ranks.size()).zip(orders.chunks(ranks.size())) {
            let images: Vec<_> =
                slices.iter().map(|slice| patchify(slice.image.view(), patch)).collect();
            let request = |(image, order)| self.request(image, order).map(Some);
            let requests: Vec<_> =
                images.iter().zip(orders).skip(1).map(request).collect::<Result<_>>()?;
            let own = || {
                self.reconstructions(network, &images[0], &orders[0], context, |passes| {
                    progress.advance(passes, &[]);
                })
            };
            let (own, answers) = ask(ranks, &requests, own)?;
            progress.advance(orders[1..].iter().map(PatchOrder::batch).sum(), &[]);
            let mut all = vec![own];
            for mut answer in answers {
                all.push(cube(&answer.take(SAMPLES)?)?);
            }
            for (((slice, image), order), samples) in
                slices.iter().zip(&images).zip(orders).zip(&all)
            {
                maps.push(self.maps(slice, image, samples, order));
            }
        }
        Ok(maps)
    }

    fn request(&self, image: &Array2<f32>, order: &PatchOrder) -> Result<Message> {
        let (keep, patches) = (order.keep(), order.patches());
        let pixels = Tensor::from_iter(image.iter().copied(), &Device::Cpu)?;
        Message::new(Subject::Samples { keep, patches, samples: self.samples })
            .with(IMAGE, pixels.reshape(image.dim())?)
            .with_order(order)
    }
}

/// Answers a request for samples on the rank that it came to.
pub(crate) fn answer(
    mut request: Message,
    network: &Network,
    context: &Context,
) -> Result<Message> {
    let Subject::Samples { keep, patches, samples } = request.subject else {
        return Err(Error::input("a rank received an unknown request"));
    };
    let image = Array2::from_shape_vec(
        request.tensors.get(IMAGE).map_or(Ok((0, 0)), Tensor::dims2)?,
        request.take(IMAGE)?.flatten_all()?.to_vec1::<f32>()?,
    );
    let image = image.map_err(|error| Error::input(error.to_string()))?;
    let order = request.take_order(keep, patches)?;
    let settings = MonteCarlo { samples, ..MonteCarlo::default() };
    let drawn = settings.reconstructions(network, &image, &order, context, |_| {})?;
    let shape = drawn.dim();
    let drawn = Tensor::from_iter(drawn, &Device::Cpu)?.reshape(shape)?;
    Ok(Message::new(Subject::Answer).with(SAMPLES, drawn))
}

fn cube(tensor: &Tensor) -> Result<Array3<f32>> {
    let shape = tensor.dims3()?;
    Array3::from_shape_vec(shape, tensor.flatten_all()?.to_vec1::<f32>()?)
        .map_err(|error| Error::input(error.to_string()))
}
