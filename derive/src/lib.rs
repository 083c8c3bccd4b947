//! The derive macro of `psychrnn`: `#[derive(Trial)]` makes the fields of a struct the columns of the trial table.
//!
//! Use it through `psychrnn::prelude`. A derive, because a macro that defined the whole struct could not be used in a
//! notebook cell.

use proc_macro::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, parse_macro_input};

/// Makes a struct with named fields the values of a trial: each field becomes a column of the trial table.
///
/// A field may be a number, a `bool`, a `String`, a `&'static str`, an `Option` of these, or any type that converts
/// into `psychrnn::task::Value`. The struct must be `Clone`.
#[proc_macro_derive(Trial)]
pub fn derive_trial(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let name = &input.ident;
    let refuse = |problem| Err(syn::Error::new_spanned(name, problem));
    let Data::Struct(data) = &input.data else {
        return refuse(
            "`Trial` can be derived for a struct whose fields are the trial's values, not for an enum or union",
        );
    };
    let fields: Vec<_> = match &data.fields {
        Fields::Named(fields) => fields.named.iter().filter_map(|field| field.ident.as_ref()).collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(_) => {
            return refuse("`Trial` names the columns after the fields: write `struct Name { field: type, … }`");
        }
    };
    let columns = fields.iter().map(|field| field.to_string().trim_start_matches("r#").to_owned());
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics ::psychrnn::task::Trial for #name #type_generics #where_clause {
            fn columns() -> ::std::vec::Vec<&'static str> {
                ::std::vec![#(#columns),*]
            }
            fn values(&self) -> ::std::vec::Vec<::psychrnn::task::Value> {
                ::std::vec![#(::psychrnn::task::Value::from(::std::clone::Clone::clone(&self.#fields))),*]
            }
        }
    })
}
