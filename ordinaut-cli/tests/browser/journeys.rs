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
    visitor.types("//body", "/").await;
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
async fn a_step_that_waits_for_somebody_is_approved() {
    let visitor = Visitor::new().await;
    let steps = r#"{"steps":[{"id":"release","uses":"approval","with":{"question":"Ship?"}},{"id":"said","uses":"echo","with":1}]}"#;
    let job = visitor.home.enqueue(&format!("pipeline --args {steps}"));
    visitor.goto(&format!("/ui/jobs/{job}")).await;
    visitor.sees("//div[@class='question' and contains(., 'Ship?')]").await;
    visitor.sees("//*[local-name()='svg']//*[local-name()='text' and contains(., 'release')]").await;
    // What is typed stays, though the page tells of the job all the time.
    visitor.types("//div[@class='question']//input[@name='note']", "as agreed").await;
    visitor.press("//button[text()='Approve']").await;
    visitor.sees("//p[@role='status' and contains(., 'It is approved.')]").await;
    visitor.home.job_in("succeeded", &job);
    visitor.sees("//*[contains(text(), 'as agreed')]").await;
    // The title is told too.
    visitor.sees("//header//span[text()='succeeded']").await;
}

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn a_page_says_that_it_is_cut_off_and_goes_on_when_the_api_is_back() {
    let mut visitor = Visitor::new().await;
    visitor.home.run("queue pause default").good();
    visitor.home.enqueue("echo");
    visitor.goto("/ui/queues").await;
    let row = "//tr[td/a[text()='default']]";
    visitor.sees(&format!("{row}/td[2][text()='1']")).await;
    visitor.run("window.before = true; arguments[0]()", vec![]).await;
    visitor.kill();
    visitor.sees("//p[@id='connection' and contains(., 'The connection was lost')]").await;
    visitor.start_again();
    visitor.sees("//p[@id='connection' and not(text())]").await;
    visitor.home.enqueue("echo");
    visitor.sees(&format!("{row}/td[2][text()='2']")).await;
    let same = visitor.run("arguments[0](window.before === true)", vec![]).await;
    assert_eq!(same, true, "the page was loaded again");
}

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn a_worker_is_drained_and_leases_again() {
    let visitor = Visitor::new().await;
    visitor.goto("/ui/workers").await;
    visitor.press("//button[text()='Drain']").await;
    visitor.sees("//p[@role='status' and contains(., 'leases no more jobs')]").await;
    visitor.sees("//td/span[text()='drained']").await;
    visitor.press("//button[text()='Resume']").await;
    visitor.sees("//td/span[text()='active']").await;
}

#[tokio::test]
#[ignore = "needs Chromium: ./ops/test.sh browser"]
async fn what_somebody_is_at_stays_until_they_have_done_and_then_shows_the_newest() {
    let visitor = Visitor::new().await;
    visitor.home.run("queue pause default").good();
    visitor.goto("/ui/queues").await;
    visitor.press("//summary[text()='Pause everything…']").await;
    let row = "//tr[td/a[text()='default']]";
    visitor.home.enqueue("echo");
    // It has been told of it.
    let told = r#"const done = arguments[0]; const look = () => kept?.includes(`<td class="n">1</td>`) ? done() : setTimeout(look, 50); look()"#;
    visitor.run(told, vec![]).await;
    assert!(!visitor.is_there(&format!("{row}/td[2][text()='1']")).await);
    visitor.find("//body").await.send_keys(&Key::Escape.to_string()).await.unwrap();
    visitor.sees(&format!("{row}/td[2][text()='1']")).await;
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
