//! Server-sent events, as the answers of a server may come.

/// Reads events from pieces of a stream.
#[derive(Default)]
pub(super) struct Events {
    rest: Vec<u8>,
    /// As much of it as has no end of an event.
    searched: usize,
}

impl Events {
    /// The data of the events that are whole with this piece.
    pub(super) fn add(&mut self, piece: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(piece);
        let (mut found, mut begin) = (Vec::new(), 0);
        // An end may have begun in the piece before.
        let mut from = self.searched.saturating_sub(3);
        while let Some((at, gap)) = end(&self.rest[from..]) {
            let text = String::from_utf8_lossy(&self.rest[begin..from + at]);
            let data: Vec<_> =
                text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
            let data = data.join("\n");
            // Some servers begin with an event that says nothing.
            if !data.is_empty() {
                found.push(data);
            }
            begin = from + at + gap;
            from = begin;
        }
        self.rest.drain(..begin);
        self.searched = self.rest.len();
        found
    }
}

/// Where the first event ends, and the length of the empty line after it.
fn end(text: &[u8]) -> Option<(usize, usize)> {
    (0..text.len()).find_map(|at| {
        let gaps: [&[u8]; 2] = [b"\n\n", b"\r\n\r\n"];
        gaps.into_iter().find(|gap| text[at..].starts_with(gap)).map(|gap| (at, gap.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_any_pieces() {
        let text =
            b": hello\n\nid: 0\ndata: \n\nevent: message\ndata: {\"a\":\ndata: 1}\n\nid: 1\r\ndata:b\r\n\r\ndata: rest";
        for size in [1, 2, 7, text.len()] {
            let mut events = Events::default();
            let found: Vec<String> = text.chunks(size).flat_map(|piece| events.add(piece)).collect();
            assert_eq!(found, ["{\"a\":\n1}", "b"]);
        }
    }
}
