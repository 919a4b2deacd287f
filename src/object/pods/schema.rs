//! Where a structural schema embeds a pod: of a CustomResourceDefinition, or of a document of `/openapi/v3`.
//!
//! Read into as little as is asked, so that a large definition leaves neither descriptions nor patterns in memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::catalogue::{field_strength, is_repository_and_tag};
use super::{CustomPod, NameStrength, Shape, split};

/// Schemas within schemas; the deepest of a pod template is about 20.
const DEEPEST: usize = 48;
/// Schemas of one kind that are looked at: no definition that an API server keeps (1.5 MB) has more of its own.
const MOST_VISITS: usize = 100_000;
/// What every schema of a container has besides name and image.
const OF_A_CONTAINER: [&str; 8] = [
    "args",
    "command",
    "env",
    "envFrom",
    "imagePullPolicy",
    "resources",
    "securityContext",
    "volumeMounts",
];

/// A CustomResourceDefinition, as far as pods are concerned.
#[derive(Debug, Clone, Deserialize)]
pub struct Definition {
    pub(super) spec: DefinitionSpec,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct DefinitionSpec {
    pub(super) group: String,
    pub(super) names: Names,
    pub(super) versions: Vec<Version>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Names {
    pub(super) kind: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Version {
    pub(super) name: String,
    #[serde(default)]
    pub(super) served: bool,
    #[serde(default)]
    pub(super) storage: bool,
    #[serde(default)]
    schema: Option<VersionSchema>,
}

#[derive(Debug, Clone, Deserialize)]
struct VersionSchema {
    #[serde(default, rename = "openAPIV3Schema")]
    open_api: Option<Schema>,
}

impl Version {
    pub(super) fn images(&self) -> Images {
        let schema = self.schema.as_ref();
        let schema = schema.and_then(|schema| schema.open_api.as_ref());
        schema.map_or_else(Images::default, |schema| images(schema, &BTreeMap::new()))
    }
}

/// A document of `/openapi/v3` over its text. Each schema is read as it is asked for: those of one group can be larger
/// than everything else in memory.
#[derive(Debug, Clone, Deserialize)]
pub struct OpenApi<'a> {
    #[serde(borrow, default)]
    components: Components<'a>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Components<'a> {
    #[serde(borrow, default)]
    schemas: BTreeMap<String, &'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Identified {
    #[serde(default, rename = "x-kubernetes-group-version-kind")]
    identities: Vec<Identity>,
}

#[derive(Debug, Clone, Deserialize)]
struct Identity {
    group: String,
    kind: String,
    version: String,
}

/// What a schema tells of images.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// Where pods stand.
    pub(super) pods: Vec<CustomPod>,
    /// True where a field beside them may name an image, or where anything may stand.
    pub(super) elsewhere: bool,
}

impl Images {
    /// True where no object of the kind names an image.
    pub(super) fn is_none(&self) -> bool {
        self.pods.is_empty() && !self.elsewhere
    }
}

/// A kind that may name images.
pub(super) struct KindWithImages {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) images: Images,
}

impl OpenApi<'_> {
    /// Each kind that may name images.
    pub(super) fn kinds(&self) -> impl Iterator<Item = KindWithImages> {
        let schemas = self.components.schemas.iter();
        schemas.filter_map(|(name, text)| {
            let identified: Identified = serde_json::from_str(text.get()).ok()?;
            // A schema of several identities is one that all groups share (DeleteOptions).
            let [identity] = identified.identities.try_into().ok()?;
            let shared = self.reached_from(name);
            let images = images(shared.get(name)?, &shared);
            let Identity {
                group,
                kind,
                version,
            } = identity;
            (!images.is_none()).then_some(KindWithImages {
                group,
                version,
                kind,
                images,
            })
        })
    }

    /// A schema, and every one that it refers to.
    fn reached_from(&self, name: &str) -> BTreeMap<String, Schema> {
        let mut reached = BTreeMap::new();
        let mut wanted = vec![name.to_owned()];
        while let Some(name) = wanted.pop() {
            let text = self.components.schemas.get(&name);
            let schema = text.and_then(|text| serde_json::from_str::<Schema>(text.get()).ok());
            if let Some(schema) = schema.filter(|_| !reached.contains_key(&name)) {
                schema.references(&mut wanted);
                reached.insert(name, schema);
            }
        }
        reached
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Schema {
    properties: BTreeMap<String, Schema>,
    items: Option<Box<Schema>>,
    #[serde(
        rename = "additionalProperties",
        deserialize_with = "schema_or_boolean"
    )]
    additional: Option<Box<Schema>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "allOf")]
    all_of: Vec<Schema>,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    is_open: bool,
}

impl Schema {
    /// Adds the names of those that it refers to.
    fn references(&self, names: &mut Vec<String>) {
        let name = self.reference.as_deref().map(name_of);
        names.extend(name.map(str::to_owned));
        let inner = self.properties.values().chain(&self.all_of);
        let boxed = self.items.iter().chain(&self.additional);
        for schema in inner.chain(boxed.map(Box::as_ref)) {
            schema.references(names);
        }
    }
}

/// `#/components/schemas/NAME`.
fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// `additionalProperties: true` is a schema that says nothing.
fn schema_or_boolean<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<Schema>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Schema(Box<Schema>),
        Boolean(bool),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Schema(schema) => Some(schema),
        // Anything may stand there.
        Either::Boolean(is_open) => is_open.then(|| {
            Box::new(Schema {
                is_open,
                ..Schema::default()
            })
        }),
    })
}

/// What `schema` tells of images.
fn images(schema: &Schema, shared: &BTreeMap<String, Schema>) -> Images {
    let mut walk = Walk {
        shared,
        path: Vec::new(),
        within: Vec::new(),
        visits: 0,
        found: Images::default(),
    };
    walk.visit(schema, false, 0);
    walk.found
}

/// True for a field that may name an image, or flags and variables that do.
fn may_name_an_image(name: &str) -> bool {
    field_strength(name) != NameStrength::None
        || is_repository_and_tag(name)
        || matches!(name, "package" | "args" | "command" | "env")
}

/// True for a mapping of the parts of an image.
fn has_parts(properties: &BTreeMap<String, Schema>) -> bool {
    let parts = split::PARTS.into_iter();
    let others = parts.filter(|part| *part != "repository");
    properties.contains_key("repository")
        && others.into_iter().any(|part| properties.contains_key(part))
}

struct Walk<'a> {
    shared: &'a BTreeMap<String, Schema>,
    path: Vec<String>,
    /// The schemas that the walk is in. None is entered twice: one that holds itself in two fields would never end.
    within: Vec<&'a Schema>,
    visits: usize,
    found: Images,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, schema: &'a Schema, has_metadata: bool, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        if self.visits == MOST_VISITS {
            // What is not looked at may name one.
            self.found.elsewhere = true;
            return;
        }
        self.visits += 1;
        let schema = self.resolved(schema);
        if self.within.iter().any(|one| std::ptr::eq(*one, schema)) {
            return;
        }
        self.within.push(schema);
        self.look(schema, has_metadata, depth);
        self.within.pop();
    }

    fn look(&mut self, schema: &'a Schema, has_metadata: bool, depth: usize) {
        if let Some(shape) = self.pod(schema) {
            self.found.pods.push(CustomPod {
                spec: self.path.concat(),
                has_metadata: has_metadata && self.path.last().is_some_and(|last| last == "/spec"),
                shape,
            });
            return;
        }
        // Reports and records of a cluster name images beside their spec, and are nobody's wish.
        let is_of_spec = depth == 0 || self.path.first().is_some_and(|first| first == "/spec");
        self.found.elsewhere |= is_of_spec && (schema.is_open || has_parts(&schema.properties));
        let beside = schema.properties.contains_key("metadata");
        for (name, property) in &schema.properties {
            if depth == 0 && matches!(name.as_str(), "metadata" | "status") {
                continue;
            }
            self.found.elsewhere |= depth > 0 && is_of_spec && may_name_an_image(name);
            let escaped = name.replace('~', "~0").replace('/', "~1");
            self.within(format!("/{escaped}"), property, beside, depth);
        }
        for inner in schema.items.iter().chain(&schema.additional) {
            self.within("/*".to_owned(), inner, false, depth);
        }
    }

    fn within(&mut self, segment: String, schema: &'a Schema, has_metadata: bool, depth: usize) {
        self.path.push(segment);
        self.visit(schema, has_metadata, depth + 1);
        self.path.pop();
    }

    /// What a reference means, also where it stands alone in `allOf`.
    fn resolved(&self, schema: &'a Schema) -> &'a Schema {
        let mut schema = schema;
        for _ in 0..DEEPEST {
            let alone = match schema.all_of.as_slice() {
                [one] if schema.properties.is_empty() => one.reference.as_ref(),
                _ => None,
            };
            let name = schema.reference.as_ref().or(alone);
            let target = name.and_then(|name| self.shared.get(name_of(name)));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    fn pod(&self, schema: &'a Schema) -> Option<Shape> {
        let list = self.resolved(schema.properties.get("containers")?);
        let item = self.resolved(list.items.as_deref()?);
        if !self.is_container(item) {
            return None;
        }
        let has = |name: &str| schema.properties.contains_key(name);
        let is_whole = has("imagePullSecrets") && has("volumes") && has("serviceAccountName");
        Some(if is_whole {
            Shape::PodSpec
        } else {
            Shape::Containers
        })
    }

    fn is_container(&self, schema: &'a Schema) -> bool {
        let properties = &schema.properties;
        let is_text = |name: &str| {
            properties
                .get(name)
                .is_some_and(|property| self.resolved(property).kind.as_deref() == Some("string"))
        };
        let others = OF_A_CONTAINER
            .into_iter()
            .filter(|name| properties.contains_key(*name))
            .count();
        is_text("name") && is_text("image") && others >= 3
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
