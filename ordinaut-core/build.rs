//! Makes cargo look at the migrations: the macro that embeds them cannot say that it read a directory.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
