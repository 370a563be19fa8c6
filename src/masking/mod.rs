//! Which patches are hidden: random, epistemic (EU), epistemic and aleatoric (AU), in the
//! paper's reading and in the published code's (paper section 3.2).
