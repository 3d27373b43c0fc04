//! `dev --clean`.

use crate::home::Home;

#[test]
fn clean_without_anybody_to_ask_removes_nothing_and_with_yes_everything() {
    let home = Home::new();
    // Where there is nothing, there is nothing to ask.
    let dev = home.dev("--clean");
    let id = home.enqueue("nobody");
    assert_eq!(dev.terminate(), Some(0));

    let refused = home.run("dev --clean");
    let why = refused.bad_line(1);
    assert!(why.contains("with every job in it?") && why.ends_with("give --yes"), "{why}");

    let dev = home.dev("");
    assert_eq!(home.job(&id)["state"], "waiting");
    assert_eq!(dev.terminate(), Some(0));

    let mut dev = home.dev("--clean --yes");
    assert_eq!(home.run(&format!("job show {id}")).bad_line(1), format!("there is no job {id}"));
    assert_eq!(home.json("job list"), serde_json::json!([]));
    home.run("job enqueue echo --wait").good();
    dev.says("look in");
}
