//! Graphics cards, and the device that is computed on.

use super::Fact;
use super::programs::{answer, on_path};
use crate::session::{device_name, open_device};

pub(super) fn facts() -> Vec<Fact> {
    let mut facts = nvidia(
        nvidia_cards(),
        cfg!(feature = "cuda").then(|| open_device("cuda").map(drop).map_err(|e| e.to_string())),
    );
    if cfg!(target_os = "macos") {
        facts.push(match cfg!(feature = "metal").then(|| open_device("metal")) {
            Some(Ok(_)) => Fact::new("Apple GPU", "works"),
            Some(Err(error)) => Fact::broken("Apple GPU", error.to_string()),
            None => Fact::new(
                "Apple GPU",
                "not used, because this u2ad was built without Metal; `cargo install --path . \
                 --locked --features metal` in the source of u2ad gives one with it",
            ),
        });
    }
    facts.push(match open_device("auto") {
        Ok(device) => {
            let name = device_name(&device);
            Fact::new("device", format!("{name}, which --device auto chooses"))
        }
        Err(error) => Fact::broken("device", error.to_string()),
    });
    facts
}

/// What NVIDIA's own program says of the cards: one line for each, or why there is none.
fn nvidia_cards() -> Result<Vec<String>, String> {
    let Some(program) = on_path("nvidia-smi") else {
        return Err("there is no nvidia-smi, which comes with the driver, on the path".to_owned());
    };
    let query = "--query-gpu=name,memory.total,driver_version,compute_cap";
    let said = answer(&program, &[query, "--format=csv,noheader"])?;
    let cards: Vec<String> = said.lines().filter_map(card).collect();
    match cards.is_empty() {
        true => Err("nvidia-smi lists none".to_owned()),
        false => Ok(cards),
    }
}

/// A line of `nvidia-smi` in words.
fn card(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [name, memory, driver, capability] = fields[..] else {
        let line = line.trim();
        return (!line.is_empty()).then(|| line.to_owned());
    };
    Some(format!("{name}, {memory}, driver {driver}, compute capability {capability}"))
}

/// `opened`: whether the first card can be used; `None` if this build has no CUDA.
fn nvidia(cards: Result<Vec<String>, String>, opened: Option<Result<(), String>>) -> Vec<Fact> {
    let about = "NVIDIA card";
    let cards = match cards {
        Ok(cards) => cards,
        // The driver's library may be installed although `nvidia-smi` is not.
        Err(_) if matches!(opened, Some(Ok(()))) => vec!["the first one works".to_owned()],
        Err(reason) => {
            return vec![Fact::new(about, format!("none found: {reason}; u2ad does without one"))];
        }
    };
    let mut facts: Vec<Fact> = cards.into_iter().map(|card| Fact::new(about, card)).collect();
    match opened {
        Some(Ok(())) => {}
        Some(Err(reason)) => facts.push(Fact::broken("CUDA", reason)),
        None => facts.push(Fact::new(
            "CUDA",
            "the card is not used, because this u2ad was built without CUDA; \
             `scripts/build-cuda.sh` in the source of u2ad builds one with it, and \
             `scripts/gpu-check.sh` compares the card with the processor",
        )),
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_is_not_used_comes_with_what_to_do() {
        let cards = || Ok(vec![card("Card 1, 80 MiB, 580.1, 9.0").unwrap()]);
        let facts = nvidia(cards(), None);
        assert_eq!(facts[0].what, "Card 1, 80 MiB, driver 580.1, compute capability 9.0");
        assert!(facts[1].what.contains("scripts/build-cuda.sh") && !facts[1].broken);
        assert!(nvidia(cards(), Some(Err("driver too old".to_owned())))[1].broken);
        assert_eq!(nvidia(cards(), Some(Ok(()))).len(), 1);
        let none = || Err("no driver".to_owned());
        let facts = nvidia(none(), Some(Err("no card".to_owned())));
        assert!(facts.len() == 1 && !facts[0].broken && facts[0].what.contains("no driver"));
        assert_eq!(nvidia(none(), Some(Ok(())))[0].what, "the first one works");
    }
}
