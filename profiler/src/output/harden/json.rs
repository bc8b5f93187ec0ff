//! For machines; the published schema is `schema/harden.v1.schema.json`.

use crate::harden::Report;

pub fn json(report: &Report) -> String {
    crate::output::text::json(report)
}

#[cfg(test)]
mod tests {
    use crate::harden::{Report, VERSION};
    use crate::schema::{check, of_output};

    #[test]
    fn the_published_schema_is_current() {
        check("harden", VERSION, &of_output::<Report>());
    }
}
