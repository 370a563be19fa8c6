//! Several ranks that share the work of one session give the bits of one.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use u2ad::cohort::Slice;
use u2ad::context::{CancelToken, Context, Ranks};
use u2ad::masking::MaskSampler;
use u2ad::model::Config;
use u2ad::training::{Model, Stage, TrainingOptions, estimate, serve_rank_0, train_epoch};
use u2ad::uncertainty::MonteCarlo;
use u2ad::{Error, Result};

use super::{Bits, bits, config, options, slice, study};

type Queue = (Sender<Vec<u8>>, Mutex<Receiver<Vec<u8>>>);

/// Ranks that are threads of this process.
struct Threads {
    size: usize,
    /// To and from each other rank.
    others: Vec<Queue>,
    /// Set when a message is sent.
    cancel: Option<CancelToken>,
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(to, "{} ranks", self.size)
    }
}

impl Threads {
    fn queue(&self, rank: usize) -> &Queue {
        // The others know rank 0 only.
        &self.others[rank.saturating_sub(1)]
    }
}

impl Ranks for Threads {
    fn size(&self) -> usize {
        self.size
    }

    fn send(&self, rank: usize, message: &[u8]) -> Result<()> {
        self.cancel.iter().for_each(CancelToken::cancel);
        let lost = |_| Error::input(format!("rank {rank} is lost"));
        self.queue(rank).0.send(message.to_vec()).map_err(lost)
    }

    fn receive(&self, rank: usize) -> Result<Vec<u8>> {
        let queue = self.queue(rank).1.lock().unwrap_or_else(PoisonError::into_inner);
        queue.recv().map_err(|_| Error::input(format!("rank {rank} is lost")))
    }
}

/// Rank 0, and the threads of the others, which run `serve`.
fn ranks(
    size: usize,
    serve: fn(&dyn Ranks) -> Result<()>,
) -> (Threads, Vec<JoinHandle<Result<()>>>) {
    let (mut others, mut threads) = (Vec::new(), Vec::new());
    for _ in 1..size {
        let ((to_other, from_0), (to_0, from_other)) = (channel(), channel());
        others.push((to_other, Mutex::new(from_other)));
        let other = Threads { size, others: vec![(to_0, Mutex::new(from_0))], cancel: None };
        threads.push(std::thread::spawn(move || serve(&other)));
    }
    (Threads { size, others, cancel: None }, threads)
}

fn faithful(ranks: &dyn Ranks) -> Result<()> {
    serve_rank_0(ranks, &candle_core::Device::Cpu)
}

/// The study on this many ranks.
fn studied(size: usize) -> (Bits, Vec<f32>) {
    let (rank_0, threads) = ranks(size, faithful);
    let mut context = Context::new(7);
    context.ranks = Some(Arc::new(rank_0));
    let mut model = study(&context);
    let slices: Vec<Slice> = (0..3).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let settings = MonteCarlo { samples: 3, ..MonteCarlo::default() };
    let maps = estimate(&mut model, &slices, &settings, &context).unwrap();
    let maps = maps.into_iter().flat_map(|map| [map.variance, map.mean, map.error]);
    let maps = maps.flatten().collect();
    drop(context);
    for thread in threads {
        // Without an end, the others notice that rank 0 has gone.
        assert_eq!(thread.join().unwrap().unwrap_err().to_string(), "rank 0 is lost");
    }
    (bits(&model), maps)
}

#[test]
fn any_number_of_ranks_gives_the_same_bits() {
    let one = studied(1);
    for size in [2, 3, 4] {
        assert_eq!(one, studied(size), "{size} ranks");
    }
}

#[test]
fn a_micro_batch_of_one_slice_on_one_process_gives_the_same_bits_as_ranks() {
    let train = |context: &Context, micro_batch| {
        let slices: Vec<Slice> = (0..7).map(slice).collect();
        let slices: Vec<&Slice> = slices.iter().collect();
        let mut model = Model::new(config(), context).unwrap();
        let sampler = MaskSampler::random(config().patch);
        let options = TrainingOptions { micro_batch, ..options() };
        let record =
            train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options, context).unwrap();
        (record, bits(&model))
    };
    let alone = train(&Context::new(2), Some(1));
    let mut shared = Context::new(2);
    shared.ranks = Some(Arc::new(ranks(2, faithful).0));
    assert_eq!(alone, train(&shared, None));
    // Micro-batches of two, of which the last one holds one slice.
    assert_eq!(train(&Context::new(2), Some(2)), train(&shared, Some(2)));
}

/// The error of an epoch on the ranks.
fn failure(mut context: Context, ranks: Threads, config: Config) -> String {
    context.ranks = Some(Arc::new(ranks));
    let slices: Vec<Slice> = (0..3).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let mut model = Model::new(config, &context).unwrap();
    let sampler = MaskSampler::random(config.patch);
    train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options(), &context)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_lost_rank_and_one_that_answers_nonsense_end_the_training_with_a_sentence() {
    let (rank_0, threads) = ranks(2, |_| Ok(()));
    threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    assert_eq!(failure(Context::new(1), rank_0, config()), "rank 1 is lost");

    let (rank_0, _threads) = ranks(2, |ranks| {
        ranks.receive(0)?;
        ranks.send(0, b"nonsense")?;
        // It stays until rank 0 has gone, which may have more to send before it reads the answer.
        while ranks.receive(0).is_ok() {}
        Ok(())
    });
    let error = failure(Context::new(1), rank_0, config());
    assert!(error.starts_with("a message between ranks is broken"), "{error}");
}

#[test]
fn after_an_interrupt_the_ranks_answer_the_next_request() {
    let (mut rank_0, _threads) = ranks(3, faithful);
    let mut context = Context::new(7);
    rank_0.cancel = Some(context.cancel.clone());
    context.ranks = Some(Arc::new(rank_0));
    let slices: Vec<Slice> = (0..7).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let mut model = Model::new(config(), &context).unwrap();
    let settings = MonteCarlo { samples: 3, ..MonteCarlo::default() };
    let cancelled = estimate(&mut model, &slices, &settings, &context).unwrap_err();
    assert!(matches!(cancelled, Error::Cancelled));
    // What the token stopped was rank 0's own share; the answers of the others were taken.
    let Some(ranks) = &context.ranks else { unreachable!() };
    let ranks = ranks.clone();
    assert_eq!(ranks.size(), 3);
    context.cancel = CancelToken::default();
    let sampler = MaskSampler::random(config().patch);
    train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options(), &context).unwrap();
}
