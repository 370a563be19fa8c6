//! Jupyter, and whether the installed kernels start.

use super::Fact;
use super::programs::{beside_this_one, is_program, on_path};
use crate::frontends::jupyter::kernelspec::{InstalledKernel, installed};

pub(super) fn facts() -> Vec<Fact> {
    let mut facts = vec![match on_path("jupyter").or_else(|| beside_this_one("jupyter")) {
        Some(path) => Fact::new("Jupyter", path.display().to_string()),
        None => Fact::new(
            "Jupyter",
            "not on the path; only notebooks need it, and `pip install jupyterlab` installs it",
        ),
    }];
    let kernels = installed();
    if kernels.is_empty() {
        facts.push(Fact::new(
            "Jupyter kernel",
            "not installed; `u2ad kernel install` installs it for you",
        ));
    }
    facts.extend(kernels.iter().map(kernel));
    facts
}

fn kernel(kernel: &InstalledKernel) -> Fact {
    let InstalledKernel { name, folder, program } = kernel;
    let about = "Jupyter kernel";
    let place = folder.display();
    let again = format!("`u2ad kernel install --name {name}` writes one that starts this program");
    let Some(program) = program else {
        return Fact::broken(
            about,
            format!("{place} has a kernel.json that is not valid; {again}"),
        );
    };
    // A name without a folder is looked up by Jupyter, on its own search path.
    let found = match program.components().count() {
        1 => program.to_str().and_then(on_path),
        _ => Some(program.clone()).filter(|path| is_program(path)),
    };
    match found.map(|path| path.canonicalize().unwrap_or(path)) {
        Some(path) => Fact::new(about, format!("{name} in {place} starts {}", path.display())),
        None => Fact::broken(
            about,
            format!("{name} in {place} starts {}, which is not there; {again}", program.display()),
        ),
    }
}
