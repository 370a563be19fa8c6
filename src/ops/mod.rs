//! Tensor operations of the network, each with forward and backward. The model knows one call
//! per operation; what runs underneath is this room's business.
