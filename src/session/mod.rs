//! One Starlark module that lives as long as the session; its verbs; and [`Output`], what running
//! code shows.
