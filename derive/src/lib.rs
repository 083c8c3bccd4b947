//! The derive macro of `psychrnn`: `#[derive(Trial)]` makes the fields of a struct the columns of the trial table.
//!
//! Use it through `psychrnn::prelude`. A derive, because a macro that defined the whole struct could not be used in a
//! notebook cell.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DataEnum, DataStruct, DeriveInput, Error, Fields, GenericParam, Meta, Result, parse_macro_input,
    parse_quote,
};

/// Makes a struct with named fields the values of a trial: each field becomes a column of the trial table.
///
/// A field may be a number, a `bool`, a `String`, a `&'static str`, an `Option` of these, or any type that converts
/// into `psychrnn::table::Value`. A field with `#[trial(skip)]` belongs to the trial and becomes no column. The struct must be
/// `Clone`.
///
/// Above an enum whose variants hold nothing, it makes the enum a type for such a field: the column holds their names.
#[proc_macro_derive(Trial, attributes(trial))]
pub fn derive_trial(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if is_skipped(&input.attrs)? {
        return Err(Error::new_spanned(&input.ident, "`#[trial(skip)]` belongs above a field"));
    }
    match &input.data {
        Data::Struct(data) => expand_struct(input, data),
        Data::Enum(data) => expand_enum(input, data),
        Data::Union(_) => {
            Err(Error::new_spanned(&input.ident, "`Trial` can be derived for a struct or an enum, not for a union"))
        }
    }
}

fn expand_struct(input: &DeriveInput, data: &DataStruct) -> Result<TokenStream> {
    let name = &input.ident;
    if let Fields::Unnamed(_) = &data.fields {
        let problem = "`Trial` names the columns after the fields: write `struct Name { field: type, … }`";
        return Err(Error::new_spanned(name, problem));
    }
    let mut generics = input.generics.clone();
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Lifetime(lifetime) => {
                let problem = "the values of a trial cannot be borrowed: write `String`, or `&'static str` for a text that is in the \
                               code, and a `Vec` for a slice";
                return Err(Error::new_spanned(lifetime, problem));
            }
            GenericParam::Type(parameter) => {
                parameter.bounds.push(parse_quote!(::psychrnn::task::TrialValue));
                parameter.bounds.push(parse_quote!(::std::clone::Clone));
                parameter.bounds.push(parse_quote!(::std::marker::Send));
                parameter.bounds.push(parse_quote!(::std::marker::Sync));
                parameter.bounds.push(parse_quote!('static));
            }
            GenericParam::Const(_) => {}
        }
    }
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for field in &data.fields {
        let Some(field_name) = &field.ident else { continue };
        if !is_skipped(&field.attrs)? {
            columns.push(column(field_name));
            // Where the type is, the compiler says what is wrong with it.
            values.push(quote_spanned!(field.ty.span()=> ::psychrnn::task::TrialValue::value(&self.#field_name)));
        }
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::psychrnn::task::Trial for #name #type_generics #where_clause {
            fn columns() -> ::std::vec::Vec<&'static str> {
                ::std::vec![#(#columns),*]
            }
            fn values(&self) -> ::std::vec::Vec<::psychrnn::table::Value> {
                ::std::vec![#(#values),*]
            }
        }
    })
}

fn expand_enum(input: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    let name = &input.ident;
    for variant in &data.variants {
        if is_skipped(&variant.attrs)? {
            return Err(Error::new_spanned(
                variant,
                "a column holds the names of all variants: `#[trial(skip)]` belongs above a field",
            ));
        }
        if !matches!(variant.fields, Fields::Unit) {
            let problem = "a column holds the names of the variants, not what is in them: write a variant without data, and a field of \
                           its own in the struct for the rest";
            return Err(Error::new_spanned(variant, problem));
        }
    }
    if data.variants.is_empty() {
        return Err(Error::new_spanned(name, "an enum without variants has no values"));
    }
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "an enum whose variants hold nothing needs no parameters"));
    }
    let variants = data.variants.iter().map(|variant| &variant.ident);
    let names = data.variants.iter().map(|variant| column(&variant.ident));
    Ok(quote! {
        #[automatically_derived]
        impl ::std::convert::From<&#name> for ::psychrnn::table::Value {
            fn from(value: &#name) -> Self {
                ::std::convert::From::from(match value { #(#name::#variants => #names),* })
            }
        }
        #[automatically_derived]
        impl ::std::convert::From<#name> for ::psychrnn::table::Value {
            fn from(value: #name) -> Self {
                ::std::convert::From::from(&value)
            }
        }
    })
}

/// A name in the table: without the mark of a name that is also a word of the language.
fn column(name: &syn::Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

/// Whether there is `#[trial(skip)]`, and nothing else of ours.
fn is_skipped(attributes: &[Attribute]) -> Result<bool> {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("trial")) {
        found = matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "skip");
        if !found {
            let problem = "the only attribute is `#[trial(skip)]`, for a field that is to be no column";
            return Err(Error::new_spanned(attribute, problem));
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence() {
        let refused = |input: DeriveInput| expand(&input).unwrap_err().to_string();
        for (input, advice) in [
            (
                parse_quote!(
                    struct Motion(f32);
                ),
                "struct Name {",
            ),
            (parse_quote!(union Motion { coherence: f32 }), "not for a union"),
            (
                parse_quote!(
                    struct Motion<'a> {
                        side: &'a str,
                    }
                ),
                "`String`",
            ),
            (
                parse_quote!(
                    struct Motion {
                        #[trial(hide)]
                        side: f32,
                    }
                ),
                "`#[trial(skip)]`",
            ),
            (
                parse_quote!(
                    struct Motion {
                        #[trial]
                        side: f32,
                    }
                ),
                "`#[trial(skip)]`",
            ),
            (
                parse_quote!(
                    struct Motion {
                        #[trial(skip = true)]
                        side: f32,
                    }
                ),
                "`#[trial(skip)]`",
            ),
            (
                parse_quote!(
                    #[trial(skip)]
                    struct Motion {
                        side: f32,
                    }
                ),
                "above a field",
            ),
            (
                parse_quote!(
                    enum Side {
                        Left,
                        Right(f32),
                    }
                ),
                "a field of its own",
            ),
            (
                parse_quote!(
                    enum Side {
                        #[trial(skip)]
                        Left,
                    }
                ),
                "names of all variants",
            ),
            (
                parse_quote!(
                    enum Side {}
                ),
                "without variants",
            ),
            (
                parse_quote!(
                    enum Side<const N: usize> {
                        Left,
                    }
                ),
                "no parameters",
            ),
        ] {
            let problem = refused(input);
            assert!(problem.contains(advice), "{problem}");
        }
        for input in [
            parse_quote!(
                struct Nothing;
            ),
            parse_quote!(
                struct Motion<T> {
                    #[trial(skip)]
                    pulses: Vec<f32>,
                    r#type: T,
                }
            ),
            parse_quote!(
                enum Side {
                    Left = 3,
                    Right,
                }
            ),
        ] {
            expand(&input).unwrap();
        }
    }
}
