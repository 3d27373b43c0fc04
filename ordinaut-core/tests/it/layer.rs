//! Layers around handlers, and a worker whose methods come in any order.

use crate::fixture::{Probe, ask, database, enqueue, probe, quick};
use ordinaut_core::worker::Step;
use ordinaut_core::worker::{Layer, Next};
use ordinaut_core::{Context, JobError, Outcome, Worker};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happened, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Writes down what it sees.
struct Witness(&'static str, Diary);

impl Layer<Diary> for Witness {
    async fn call(&self, context: &Context<Diary>, next: Next<'_, Diary>) -> Result<(), JobError> {
        let Self(name, diary) = self;
        diary.note(format!("{name} before {} {}", context.kind(), context.attempt()));
        let result = next.run().await;
        match &result {
            Ok(()) => diary.note(format!("{name} after success")),
            Err(error) => diary.note(format!("{name} after {}: {error}", error.outcome().as_str())),
        }
        result
    }
}

/// Lets nothing through.
struct Refusal;

impl Layer<Diary> for Refusal {
    async fn call(&self, _: &Context<Diary>, _: Next<'_, Diary>) -> Result<(), JobError> {
        Err(JobError::cancel("this tenant is closed"))
    }
}

/// A worker whose handler fails as its probe says.
fn worker(db: &ordinaut_core::Client, diary: &Diary) -> Worker<Diary> {
    let handler = |job: Probe, context: Context<Diary>| async move {
        context.state.note(format!("handler {}", job.n));
        match job.n {
            0 => Ok(()),
            1 => Err(JobError::fatal("no luck")),
            _ => panic!("oh"),
        }
    };
    Worker::with_options(db.clone(), diary.clone(), quick()).handle(handler)
}

#[tokio::test]
async fn layers_nest_in_their_order_and_see_the_attempt_and_its_result() {
    let (db, diary) = (database().await, Diary::default());
    let outer = worker(&db, &diary).layer(Witness("outer", diary.clone()));
    let mut worker = outer.layer(Witness("inner", diary.clone()));
    for (n, end) in [(0, "success"), (1, "dead: no luck"), (2, "failed: panicked: oh")] {
        let job = probe(n);
        db.enqueue(&job).await.unwrap();
        assert_eq!(worker.step().await.unwrap(), Step::Worked(job.id()));
        let expected = [
            "outer before probe 1".to_owned(),
            "inner before probe 1".to_owned(),
            format!("handler {n}"),
            format!("inner after {end}"),
            format!("outer after {end}"),
        ];
        assert_eq!(diary.taken(), expected);
        let run = db.jobs().runs(job.id()).await.unwrap().items.pop().unwrap();
        let (outcome, error) = match n {
            0 => (Outcome::Succeeded, None),
            1 => (Outcome::Dead, Some("no luck")),
            _ => (Outcome::Failed, Some("panicked: oh")),
        };
        assert_eq!((run.outcome, run.error.as_deref()), (outcome, error));
    }
}

#[tokio::test]
async fn a_layer_can_refuse_an_attempt_and_its_own_panic_is_a_failure() {
    struct Clumsy;
    impl Layer<Diary> for Clumsy {
        async fn call(&self, _: &Context<Diary>, _: Next<'_, Diary>) -> Result<(), JobError> {
            panic!("a layer's own")
        }
    }
    let (db, diary) = (database().await, Diary::default());
    let refusing = worker(&db, &diary).layer(Refusal).layer(Witness("inner", diary.clone()));
    let ends = [(refusing, Outcome::Cancelled, "this tenant is closed"), {
        (worker(&db, &diary).layer(Clumsy), Outcome::Failed, "panicked: a layer's own")
    }];
    for (mut worker, outcome, error) in ends {
        let id = enqueue(&db).await;
        assert_eq!(worker.step().await.unwrap(), Step::Worked(id));
        let run = db.jobs().runs(id).await.unwrap().items.pop().unwrap();
        assert_eq!((run.outcome, run.error.as_deref()), (outcome, Some(error)));
        assert!(diary.taken().is_empty(), "the handler ran");
    }
}

#[tokio::test]
async fn the_order_of_a_workers_methods_does_not_matter() {
    let db = database().await;
    let first = Worker::new(db.clone(), ()).queue("mail").concurrency(3).name("w").lease(Duration::from_secs(9));
    let last = Worker::new(db.clone(), ()).lease(Duration::from_secs(9)).name("w").concurrency(3).queue("mail");
    for worker in [first, last] {
        let mut worker = worker.handle(|_: Probe, _: Context<()>| async { Ok(()) });
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
        let told = "select format('%s %s %s', name, queues, concurrency) from ordinaut.worker order by started_at desc limit 1";
        assert_eq!(ask::<String>(&db, told).await, "w {mail} 3");
    }
}
