# What a developer does, with https://just.systems: `just`, `just test`, …

features := "rust-cells"

# List the recipes.
default:
    @just --list

# Formatting, lints with and without the features, documentation, spelling.
check:
    cargo fmt --all -- --check
    cargo clippy --release --locked --all-targets --features {{features}} -- -D warnings
    cargo clippy --release --locked --all-targets -- -D warnings
    cargo clippy --release --locked --no-default-features --lib -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --quiet --features {{features}}
    if command -v typos >/dev/null; then typos; fi
    if command -v cargo-deny >/dev/null; then cargo deny check; fi

# All checks and tests but the Rust notebooks.
test:
    scripts/test.sh

# The library's own tests, scripts and training: under three minutes once it is built.
test-quick:
    cargo test --release --locked --lib --test script --test training --test published_numbers --test architecture

# Jupyter's conformance suite and the notebooks; `just notebooks --store` stores what they show.
notebooks *arguments:
    cargo build --release --locked --features {{features}}
    tests/jupyter/run.sh {{arguments}}

# The pages of `report` and `qc` in Chromium: by keyboard, on a phone, in the dark, on paper.
pages *arguments:
    cargo build --release --locked --features {{features}}
    scripts/test-pages.sh {{arguments}}

# Accepts what users read and see now: error reports, help and its reference, completions, tables, figures. Look at `git diff` then.
accept-snapshots:
    INSTA_UPDATE=always cargo test --release --locked --features {{features}} --test snapshots --test help --test hostile_volumes

# The official BIDS validator on what `export` writes.
bids:
    cargo build --release --locked --features {{features}}
    scripts/validate-bids.sh

# The Slurm scripts on a cluster of one node that this starts and stops. As root; needs slurm-wlm and munge.
cluster:
    cargo build --release --locked --features {{features}}
    scripts/test-cluster.sh

# `u2ad import` against dcm2niix, on phantoms that pydicom and GDCM write.
dicom *arguments:
    cargo build --release --locked --features {{features}}
    scripts/test-dicom.sh {{arguments}}

# The Rust notebooks and their cells, on evcxr's kernel, which is built first.
rust-notebooks *arguments:
    FEATURES={{features}} tests/evcxr/run.sh {{arguments}}

# A build for NVIDIA cards, the card compared with the CPU, and both timed; the results go to a new folder.
gpu folder *arguments:
    scripts/build-cuda.sh
    scripts/gpu-check.sh {{folder}} {{arguments}}

# The kernels' timings.
bench:
    cargo bench --locked

# The documentation of the library, opened in a browser.
docs:
    cargo doc --release --locked --no-deps --open

# The pages of docs/ as a book in target/book; mdBook is built first.
book:
    scripts/build-book.sh

# A training run killed at 100 random instants, which must end with the same bits.
kills:
    cargo test --release --locked --test resume -- --ignored

# A kernel under cells, floods, interrupts and restarts: fails if its memory, handles, threads or folders grow.
soak minutes="60":
    cargo build --release --locked --features {{features}}
    . tests/jupyter/environment.sh && "$environment/bin/python" scripts/soak.py --minutes {{minutes}}

# Changed copies of the fuzz corpus on stable, for some seconds per kind of input; failures lie in target/tmp/fuzzing.
fuzz seconds="60":
    U2AD_FUZZ_SECONDS={{seconds}} cargo test --release --locked --test fuzzing -- --test-threads 1 --nocapture

# A kind of input under cargo-fuzz, which needs nightly: checkpoint, dicom, journal, kernel_frames, nifti, notebook, npy, participants, starlark.
fuzz-coverage target seconds="600":
    cd fuzz && cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}} -timeout=20 -rss_limit_mb=2048

# Property tests on 20 000 random cases each; what fails is kept in proptest-regressions.
proptest-long:
    PROPTEST_CASES=20000 cargo test --release --locked --lib any_
    PROPTEST_CASES=20000 cargo test --release --locked --lib matches_the
