//! Processor, instruction set, threads and memory.

use std::env;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use super::Fact;
use super::programs::answer;
use crate::Result;
use crate::ops::{InstructionSet, MachineMemory};
use crate::options::Choice;

const GIB: f64 = (1_u64 << 30) as f64;
const THREADS_VARIABLE: &str = "RAYON_NUM_THREADS";

pub(super) fn facts() -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("processor", processor().unwrap_or_else(|| env::consts::ARCH.to_owned())),
        instruction_set(InstructionSet::widest(), InstructionSet::limit()),
        threads(env::var(THREADS_VARIABLE).ok().as_deref()),
    ];
    facts.extend(memory());
    facts
}

/// The processor's name.
pub(in crate::frontends) fn processor() -> Option<String> {
    if cfg!(target_os = "macos") {
        return asked_of_macos("machdep.cpu.brand_string");
    }
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    Some(value_of(&text, "model name")?.to_owned())
}

fn asked_of_macos(name: &str) -> Option<String> {
    answer(Path::new("/usr/sbin/sysctl"), &["-n", name]).ok()
}

/// The value in a line `name : value`.
fn value_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

fn instruction_set(widest: InstructionSet, limit: Result<Option<InstructionSet>>) -> Fact {
    let variable = InstructionSet::LIMIT;
    let (has, about) = (widest.name(), "instruction set");
    match limit {
        Err(error) => Fact::broken(
            about,
            format!("{error}; every other command ends with this error until {variable} is unset"),
        ),
        Ok(None) => {
            Fact::new(about, format!("{has}, the widest that u2ad has code for on this processor"))
        }
        Ok(Some(limit)) if limit < widest => Fact::new(
            about,
            format!(
                "{}, because {variable} says so; the processor has {has}, which is faster",
                limit.name()
            ),
        ),
        Ok(Some(limit)) => {
            let limit = limit.name();
            Fact::new(about, format!("{has}; {variable}={limit} does not limit this processor"))
        }
    }
}

/// `wanted`: what the environment says.
fn threads(wanted: Option<&str>) -> Fact {
    let threads = rayon::current_num_threads();
    let allowed = available_parallelism().map_or(threads, usize::from);
    let cores = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = cores.lines().filter(|line| line.starts_with("processor")).count();
    let mut what = threads.to_string();
    if cores > allowed {
        what += &format!("; the system lets this process use {allowed} of {cores} cores");
    }
    match wanted.map(|text| (text, text.parse::<usize>())) {
        None => {}
        Some((text, Ok(1..))) => what += &format!("; {THREADS_VARIABLE} is {text}"),
        Some((text, _)) => {
            what += &format!(
                "; {THREADS_VARIABLE} is \"{text}\", which is not a number from 1 on and is ignored"
            );
        }
    }
    Fact::new("threads", what)
}

fn memory() -> Option<Fact> {
    let memory = MachineMemory::read()?;
    let gib = |bytes: u64| bytes as f64 / GIB;
    let mut what = format!("{:.1} GiB", gib(memory.total));
    if let Some(free) = memory.available {
        what += &format!(", {:.1} GiB of them available", gib(free));
    }
    if let Some(limit) = memory.limit {
        let limit = gib(limit);
        what += &format!("; this process may use {limit:.1} GiB (its control group's limit)");
    }
    Some(Fact::new("memory", what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_limited_instruction_set_is_said_to_be() {
        use InstructionSet::{Avx2, Avx512, Baseline};
        let what = |limit| instruction_set(Avx512, Ok(limit)).what;
        assert!(what(None).starts_with("avx512, the widest"));
        assert!(what(Some(Avx2)).starts_with("avx2, because U2AD_INSTRUCTION_SET says so"));
        assert!(what(Some(Baseline)).contains("the processor has avx512"));
        assert!(what(Some(Avx512)).contains("U2AD_INSTRUCTION_SET=avx512 does not limit"));
        let wrong = instruction_set(Avx2, Err(Error::input("there is no instruction set \"x\"")));
        assert!(wrong.broken && wrong.what.starts_with("there is no instruction set"));
    }

    #[test]
    fn a_number_of_threads_that_is_none_is_said_to_be_ignored() {
        assert!(threads(Some("many")).what.contains("RAYON_NUM_THREADS is \"many\", which is not"));
        assert!(threads(Some("0")).what.contains("is ignored"));
        assert!(threads(Some("2")).what.ends_with("RAYON_NUM_THREADS is 2"));
        assert!(!threads(None).what.contains("RAYON"));
    }
}
