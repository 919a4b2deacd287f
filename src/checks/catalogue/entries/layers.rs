//! Layers that `ca layer` puts on images.

use super::{Entry, code};

#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    code("layer-base-unusable", "an image cannot get a layer",
        "The image is none that a layer can be put on: it is in Docker's oldest format (schema 1), its manifest, configuration and history do not fit each other, it is for Windows, or a layer is packed in a way that --merged does not read.",
        "push the image again with a current builder; leave --merged out where only a layer cannot be read"),
    code("layer-differs", "an image is not what comes of its base and the bundle",
        "The digest that was computed from the base, the bundle and the flags is not that of the image: one of them is another than it was made with, or somebody changed the image.",
        "verify with what it was made with: the base by its digest, the same bundle, --merged and --certs-for; or make it again with --push"),
    code("layer-digest", "a registry hands out something else than it was asked for",
        "What came does not have the digest by which it was asked for, or that the registry said. Nothing of it was used.",
        "ask again past proxies and mirrors; whoever runs them finds a broken or changed copy there"),
    code("layer-no-bundle", "an image has no bundle that authorities could be added to",
        "With --merged the image's own bundle of authorities is read and written again with the company's added. This image has none, or one that lies where nobody looks. The company's alone would take every public authority away.",
        "leave --merged out, or use an image with the package ca-certificates"),
    code("layer-push-refused", "the registry did not take an image",
        "The account has no right to push there, the repository does not exist or only hands out (a remote or virtual one, a proxy cache), or the registry refuses what was sent.",
        "name a repository that takes pushes, and an account that may push in --pull-secret-file"),
];
