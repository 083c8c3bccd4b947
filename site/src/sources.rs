//! What the library's sources say of its types: the fields of structs, the names of enums, and what stands in their documentation.
//!
//! A meaning is written once, above the field or the setter, for the reader of the code, of the reference and of the site.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use syn::meta::ParseNestedMeta;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Expr, ExprLit, Fields, GenericArgument, ImplItem, Item, ItemEnum, ItemImpl, ItemStruct, Lit, Meta,
    PathArguments, ReturnType, Signature, Token, Type, Visibility,
};

/// The documentation of the library's types.
#[derive(Default)]
pub(crate) struct Sources {
    /// Each with the file in which it stands.
    types: BTreeMap<String, Vec<(String, Documented)>>,
    /// What stands above methods, by type and name; a setter is one.
    methods: BTreeMap<(String, String), String>,
    /// Constants and types of implementations, by type and name: `("Rnn", "KEY")`, `("RandomDots", "Trial")`.
    parts: BTreeMap<(String, String), String>,
    /// What stands above public functions, by name.
    functions: BTreeMap<String, String>,
    /// The methods and functions of `plot` that give a figure, each with its type, or with `plot`.
    draws: BTreeSet<(String, String)>,
    /// What stands at the top of each file, by its path from `src`.
    files: BTreeMap<String, String>,
}

/// A type.
pub(crate) struct Documented {
    /// Whether it is read from files.
    is_read: bool,
    pub(crate) about: String,
    pub(crate) shape: Shape,
}

/// What a type holds.
pub(crate) enum Shape {
    /// Fields by name.
    Fields(Vec<Field>),
    /// Values without names: a number that has a type of its own holds one.
    Values(Vec<Type>),
    /// One of these.
    Names(Vec<Name>),
}

pub(crate) struct Field {
    /// As a specification has it.
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) of: Type,
}

/// One of the names that an enum has.
pub(crate) struct Name {
    /// As a specification has it.
    pub(crate) name: String,
    /// As Rust has it.
    pub(crate) rust: String,
    pub(crate) about: String,
    pub(crate) behind: Shape,
}

impl Sources {
    /// Reads the library's sources.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut sources = Self::default();
        sources.folder(folder, folder)?;
        Ok(sources)
    }

    fn folder(&mut self, root: &Path, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                self.folder(root, &path)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let file = syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))?;
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                let draws = name.starts_with("plot/figures/");
                file.items.iter().try_for_each(|item| self.item(item, &name, draws))?;
                self.files.insert(name, documentation(&file.attrs));
            }
        }
        Ok(())
    }

    /// `draws` says whether figures are made in its file.
    fn item(&mut self, item: &Item, file: &str, draws: bool) -> Result<()> {
        match item {
            Item::Struct(item) => self.insert(&item.ident, file, of_struct(item)?),
            Item::Enum(item) => self.insert(&item.ident, file, of_enum(item)?),
            Item::Impl(item) => self.implementation(item, draws)?,
            Item::Fn(function) if matches!(function.vis, Visibility::Public(_)) => {
                let name = function.sig.ident.to_string();
                if draws && gives_figure(&function.sig) {
                    self.draws.insert(("plot".into(), name.clone()));
                }
                self.functions.insert(name, documentation(&function.attrs));
            }
            _ => {}
        }
        Ok(())
    }

    fn insert(&mut self, name: &syn::Ident, file: &str, documented: Documented) {
        self.types.entry(name.to_string()).or_default().push((file.to_owned(), documented));
    }

    fn implementation(&mut self, item: &ItemImpl, draws: bool) -> Result<()> {
        let Some(of) = ident(&item.self_ty) else { return Ok(()) };
        for part in &item.items {
            match part {
                ImplItem::Fn(method) if item.trait_.is_none() => {
                    if draws && matches!(method.vis, Visibility::Public(_)) && gives_figure(&method.sig) {
                        self.draws.insert((of.clone(), method.sig.ident.to_string()));
                    }
                    self.methods.insert((of.clone(), method.sig.ident.to_string()), documentation(&method.attrs));
                }
                ImplItem::Macro(call) if call.mac.path.is_ident("setters") => {
                    for (name, about) in setters.parse2(call.mac.tokens.clone()).context("setters that are none")? {
                        self.methods.insert((of.clone(), name), about);
                    }
                }
                ImplItem::Const(constant) => {
                    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &constant.expr {
                        self.parts.insert((of.clone(), constant.ident.to_string()), text.value());
                    }
                }
                ImplItem::Type(part) => {
                    let name = ident(&part.ty).unwrap_or_default();
                    self.parts.insert((of.clone(), part.ident.to_string()), name);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The type of that name.
    pub(crate) fn of(&self, name: &str) -> Result<&Documented> {
        let all: Vec<&Documented> = self.types.get(name).into_iter().flatten().map(|(_, of)| of).collect();
        let read: Vec<&Documented> = all.iter().copied().filter(|of| of.is_read).collect();
        match (all.as_slice(), read.as_slice()) {
            ([one], _) | (_, [one]) => Ok(one),
            ([], _) => bail!("the library has no type {name}"),
            _ => bail!("several types are named {name}: which one is meant?"),
        }
    }

    /// What a task draws for a trial, which stands in the file of the task; nothing, if it draws nothing.
    pub(crate) fn trial(&self, task: &str) -> Option<&Documented> {
        let (file, _) = self.types.get(task)?.first()?;
        let all = self.types.get(self.part(task, "Trial")?)?;
        all.iter().find(|(other, _)| other == file).map(|(_, trial)| trial)
    }

    /// What stands above a field or, if that has none, above the setter of that name.
    pub(crate) fn about(&self, of: &str, field: &Field) -> Result<String> {
        let about =
            if field.about.is_empty() { self.method(of, &field.name).unwrap_or_default() } else { &field.about };
        match first_paragraph(about) {
            about if about.is_empty() => bail!("nothing says what {of}::{} is: write it above the field", field.name),
            about => Ok(about),
        }
    }

    /// What stands above a name of an enum or, if that has none, above the type behind it, or the type of that name.
    pub(crate) fn about_name(&self, of: &str, name: &Name) -> Result<String> {
        let behind = || self.of(&name.rust).map_or("", |documented| documented.about.as_str());
        let about = if name.about.is_empty() { behind() } else { &name.about };
        match first_paragraph(about) {
            about if about.is_empty() => bail!("nothing says what {of}::{} is: write it above the name", name.rust),
            about => Ok(about),
        }
    }

    /// What stands above a method.
    pub(crate) fn method(&self, of: &str, name: &str) -> Option<&str> {
        self.methods.get(&(of.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// What stands above a function.
    pub(crate) fn function(&self, name: &str) -> Option<&str> {
        self.functions.get(name).map(String::as_str)
    }

    /// What gives a figure: methods, each with its type, and functions of `plot`.
    pub(crate) fn draws(&self) -> impl Iterator<Item = &(String, String)> {
        self.draws.iter()
    }

    /// A constant or a type that an implementation gives.
    pub(crate) fn part(&self, of: &str, name: &str) -> Option<&str> {
        self.parts.get(&(of.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// The types that have a constant of this name, with its value.
    pub(crate) fn with_part<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.parts
            .iter()
            .filter(move |((_, part), _)| part == name)
            .map(|((of, _), value)| (of.as_str(), value.as_str()))
    }

    /// The rows of a table in the documentation of a file or of one of its types, without its head, by how the head begins.
    pub(crate) fn table(&self, file: &str, of: &str, head: &str) -> Result<(String, Vec<String>)> {
        let texts = [self.files.get(file).map_or("", String::as_str), &self.of(of)?.about];
        for text in texts {
            let mut lines = text.lines().skip_while(|line| !line.starts_with(head));
            if let Some(head) = lines.next() {
                let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(str::to_owned).collect();
                return Ok((head.to_owned(), rows));
            }
        }
        bail!("the documentation of {of} has no table that begins with `{head}`")
    }
}

fn of_struct(item: &ItemStruct) -> Result<Documented> {
    let shape = shape(&item.fields, &Rules::of(&item.attrs)?)?;
    Ok(Documented { is_read: is_read(&item.attrs), about: documentation(&item.attrs), shape })
}

fn of_enum(item: &ItemEnum) -> Result<Documented> {
    let rules = Rules::of(&item.attrs)?;
    let mut names = Vec::new();
    for variant in &item.variants {
        let own = Rules::of(&variant.attrs)?;
        let rust = variant.ident.to_string();
        // Functions of one's own are written in Rust.
        if own.skip || rust == "Custom" {
            continue;
        }
        let name = own.name.clone().unwrap_or_else(|| if rules.snake { parted(&rust, '_') } else { rust.clone() });
        let behind = shape(&variant.fields, &own)?;
        names.push(Name { name, rust, about: documentation(&variant.attrs), behind });
    }
    Ok(Documented { is_read: is_read(&item.attrs), about: documentation(&item.attrs), shape: Shape::Names(names) })
}

/// Whether serde makes it of what a file says.
fn is_read(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|derive| {
        let Meta::List(list) = &derive.meta else { return false };
        list.tokens.to_string().contains("Deserialize")
    })
}

fn shape(fields: &Fields, rules: &Rules) -> Result<Shape> {
    let Fields::Named(named) = fields else {
        return Ok(Shape::Values(fields.iter().map(|field| field.ty.clone()).collect()));
    };
    let mut shown = Vec::new();
    for field in &named.named {
        let own = Rules::of(&field.attrs)?;
        if own.skip {
            continue;
        }
        let rust = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let name = own.name.unwrap_or(if rules.snake { parted(&rust, '_') } else { rust });
        shown.push(Field { name, about: documentation(&field.attrs), of: field.ty.clone() });
    }
    Ok(Shape::Fields(shown))
}

/// What serde is told of a specification's values, and `Trial` of a trial's.
#[derive(Default)]
struct Rules {
    name: Option<String>,
    snake: bool,
    skip: bool,
}

impl Rules {
    fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut rules = Self::default();
        for attribute in
            attributes.iter().filter(|attribute| ["serde", "trial"].iter().any(|name| attribute.path().is_ident(name)))
        {
            attribute.parse_nested_meta(|meta| rules.add(&meta))?;
        }
        Ok(rules)
    }

    fn add(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let value = if meta.input.peek(Token![=]) { Some(meta.value()?.parse::<Lit>()?) } else { None };
        let text = value.and_then(|value| if let Lit::Str(text) = value { Some(text.value()) } else { None });
        match meta.path.get_ident().map(ToString::to_string).as_deref() {
            Some("rename") => self.name = text,
            Some("rename_all") => self.snake = text.as_deref() == Some("snake_case"),
            Some("skip" | "skip_deserializing") => self.skip = true,
            _ => {}
        }
        Ok(())
    }
}

/// `/// What it is. name: Type => value;`, each as its name and what stands above it.
fn setters(input: ParseStream<'_>) -> syn::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    while !input.is_empty() {
        let about = documentation(&input.call(Attribute::parse_outer)?);
        let name: syn::Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        input.parse::<Type>()?;
        if input.parse::<Option<Token![=>]>>()?.is_some() {
            input.parse::<Expr>()?;
        }
        input.parse::<Token![;]>()?;
        all.push((name.to_string(), about));
    }
    Ok(all)
}

/// Whether a function returns a figure, perhaps as a result.
fn gives_figure(signature: &Signature) -> bool {
    let ReturnType::Type(_, of) = &signature.output else { return false };
    let is_figure = |of: &Type| ident(of).as_deref() == Some("Figure");
    is_figure(of) || within(of).into_iter().any(is_figure)
}

/// What stands above an item.
fn documentation(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(meta) = &attribute.meta
            && let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &meta.value
        {
            let line = line.value();
            lines.push(line.strip_prefix(' ').unwrap_or(&line).to_owned());
        }
    }
    lines.join("\n")
}

/// The words of a name in camel case, in small letters and with this between them.
pub(crate) fn parted(name: &str, between: char) -> String {
    let mut words = String::new();
    for (i, letter) in name.char_indices() {
        if letter.is_uppercase() && i > 0 {
            words.push(between);
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The last name of a type's path: `Option` of `Option<f32>`.
pub(crate) fn ident(of: &Type) -> Option<String> {
    let Type::Path(path) = of else { return None };
    path.path.segments.last().map(|segment| segment.ident.to_string())
}

/// The types between the brackets: `f32` of `Option<f32>`.
pub(crate) fn within(of: &Type) -> Vec<&Type> {
    let Type::Path(path) = of else { return Vec::new() };
    let Some(PathArguments::AngleBracketed(arguments)) = path.path.segments.last().map(|segment| &segment.arguments)
    else {
        return Vec::new();
    };
    let types = arguments.args.iter();
    types.filter_map(|argument| if let GenericArgument::Type(of) = argument { Some(of) } else { None }).collect()
}

/// The first paragraph of a documentation, on one line, as a page has it.
pub(crate) fn first_paragraph(about: &str) -> String {
    let lines: Vec<&str> = about.lines().take_while(|line| !line.trim().is_empty()).collect();
    page(&lines.join(" "))
}

/// All of a documentation but for its examples, as a page has it.
pub(crate) fn prose(about: &str) -> String {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in about.lines() {
        let fence = line.starts_with("```");
        if !(fence || inside) {
            lines.push(line);
        }
        inside ^= fence;
    }
    page(lines.join("\n").trim())
}

/// A documentation without its links into the reference, of which what they show is left.
fn page(text: &str) -> String {
    let mut page = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '[']) {
        page.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(code) = rest.strip_prefix('`') {
            let end = code.find('`').map_or(rest.len(), |end| end + 2);
            page.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let Some(end) = rest.find(']') else { break };
        let shown = &rest[1..end];
        let behind = &rest[end + 1..];
        let target = behind.strip_prefix('(').and_then(|target| target.split_once(')'));
        match target {
            Some((address, after)) if !address.starts_with("http") => {
                page.push_str(shown);
                rest = after;
            }
            None if shown.starts_with('`') => {
                page.push_str(shown);
                rest = behind;
            }
            _ => {
                page.push_str(&rest[..=end]);
                rest = behind;
            }
        }
    }
    page + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_into_the_reference_become_what_they_show() {
        let text = "As [`Adam`], see [that](super::x) and `[n_rec]`: [paper](https://doi.org/10.1) [low, high].";
        assert_eq!(page(text), "As `Adam`, see that and `[n_rec]`: [paper](https://doi.org/10.1) [low, high].");
        assert_eq!(prose("One.\n\n```\ncode\n```\n\nTwo."), "One.\n\n\nTwo.");
        assert_eq!(first_paragraph("One\nline.\n\nTwo."), "One line.");
    }

    #[test]
    fn what_serde_is_told_is_heard() {
        let item = syn::parse_str::<ItemEnum>(
            "/// All.\n#[serde(rename_all = \"snake_case\", default)] enum Draw { /// One.\n GlorotUniform, \
             #[serde(skip_deserializing, serialize_with = \"own\")] Own, Gamma { #[serde(rename = \"k\", alias = \"old\")] shape: f32 } }",
        );
        let documented = of_enum(&item.unwrap()).unwrap();
        let Shape::Names(names) = &documented.shape else { panic!("an enum has names") };
        let found: Vec<_> = names.iter().map(|name| (name.name.as_str(), name.about.as_str())).collect();
        assert_eq!(found, [("glorot_uniform", "One."), ("gamma", "")]);
        assert!(matches!(&names[1].behind, Shape::Fields(fields) if fields[0].name == "k"));
    }

    #[test]
    fn setters_are_read() {
        let found = setters
            .parse_str("/// How many.\n trials: usize;\n /// What.\n goal: impl Into<Goal> => Some(goal.into());");
        assert_eq!(found.unwrap(), [("trials".into(), "How many.".into()), ("goal".into(), "What.".into())]);
    }
}
