//! What people do at the page.

use crate::visitor::Visitor;
use fantoccini::key::Key;

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn a_queue_is_paused_and_its_depth_grows_without_a_reload() {
    let visitor = Visitor::new().await;
    visitor.home.enqueue("echo --wait");
    visitor.goto("/ui/queues").await;
    let row = "//tr[td/a[text()='default']]";
    visitor.press(&format!("{row}//button[text()='Pause']")).await;
    visitor.sees(&format!("{row}//span[text()='paused']")).await;
    visitor.run("window.before = true; arguments[0]()", vec![]).await;
    for _ in 0..3 {
        visitor.home.enqueue("echo");
    }
    visitor.sees(&format!("{row}/td[2][text()='3']")).await;
    let same = visitor.run("arguments[0](window.before === true)", vec![]).await;
    assert_eq!(same, true, "the page was loaded again");
    visitor.press(&format!("{row}//button[text()='Resume']")).await;
    visitor.sees(&format!("{row}/td[2][text()='0']")).await;
}

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn a_job_is_found_by_an_argument_and_one_that_runs_is_cancelled() {
    let visitor = Visitor::new().await;
    let mine = visitor.home.enqueue(r#"echo --args {"customer":{"id":7}}"#);
    let other = visitor.home.enqueue(r#"echo --args {"customer":{"id":8}}"#);
    visitor.goto("/ui/jobs").await;
    visitor.sees(&format!("//a[@title='{other}']")).await;
    // Keys alone.
    visitor.find("//body").await.send_keys("/").await.unwrap();
    let field = visitor.find("//input[@name='args']").await;
    field.send_keys("customer.id=7").await.unwrap();
    field.send_keys(&Key::Enter.to_string()).await.unwrap();
    visitor.sees("//input[@name='args' and @value='customer.id=7']").await;
    visitor.sees(&format!("//a[@title='{mine}']")).await;
    assert!(!visitor.browser.source().await.unwrap().contains(&other));

    let long = visitor.home.enqueue(r#"sleep --args {"seconds":600}"#);
    visitor.goto(&format!("/ui/jobs/{long}")).await;
    visitor.sees("//*[@id='live']//h2[text()='Timeline']").await;
    visitor.home.job_in("running", &long);
    visitor.press("//button[text()='Cancel']").await;
    visitor.home.job_in("cancelled", &long);
    visitor.goto(&format!("/ui/jobs/{long}")).await;
    visitor.sees("//header//span[text()='cancelled']").await;
}

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn a_group_of_dead_letters_is_sent_back() {
    let visitor = Visitor::new().await;
    for _ in 0..2 {
        let id = visitor.home.enqueue("fail --max-attempts 1");
        visitor.home.job_in("dead", &id);
    }
    visitor.home.run("queue pause default").good();
    visitor.goto("/ui/dead").await;
    visitor.press("//button[text()='Requeue 2']").await;
    visitor.sees("//p[@role='status' and contains(., '2 jobs back in the queue')]").await;
    visitor.sees("//*[contains(text(), 'No job is dead')]").await;
}

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn without_scripts_everything_is_read_and_done() {
    let visitor = Visitor::without_scripts().await;
    visitor.home.enqueue(r#"echo --args {"say":"hello"} --wait"#);
    for path in ["/ui", "/ui/jobs", "/ui/queues", "/ui/workers", "/ui/dead"] {
        visitor.goto(path).await;
        visitor.sees("//h1").await;
    }
    visitor.goto("/ui/jobs?args=say%3Dhello").await;
    visitor.sees("//table//span[text()='succeeded']").await;
    visitor.goto("/ui/queues").await;
    visitor.press("//button[text()='Pause']").await;
    visitor.sees("//p[@role='status' and contains(., 'is paused')]").await;
}

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn keys_lead_to_the_pages_and_close_what_unfolded() {
    let visitor = Visitor::new().await;
    for (key, title) in [("q", "Queues"), ("j", "Jobs"), ("w", "Workers"), ("d", "Dead letters"), ("o", "Overview")] {
        let body = visitor.find("//body").await;
        body.send_keys(&format!("g{key}")).await.unwrap();
        visitor.sees(&format!("//h1[text()='{title}']")).await;
    }
    visitor.goto("/ui/jobs").await;
    visitor.press("//summary[text()='Act on all…']").await;
    visitor.sees("//details[@open]/summary[text()='Act on all…']").await;
    visitor.find("//body").await.send_keys(&Key::Escape.to_string()).await.unwrap();
    visitor.sees("//details[not(@open)]/summary[text()='Act on all…']").await;
}
