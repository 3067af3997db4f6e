// The exchanged requests, newest first. Only new entries are fetched.
import { useEffect, useRef, useState } from "react";

const MAX_ENTRIES = 300;

export function Traffic({ t, version, close }) {
  const [entries, setEntries] = useState([]);
  const position = useRef({ log: "", after: 0 });
  useEffect(() => {
    const asked = position.current;
    fetch(`/api/traffic?${new URLSearchParams(asked)}`)
      .then((response) => response.json())
      .then(({ log, entries: added }) => {
        if (position.current !== asked || !added.length) return; // a later request was faster, or nothing is new
        position.current = { log, after: added.at(-1).n };
        setEntries((known) => [...added.reverse(), ...(log === asked.log ? known : [])].slice(0, MAX_ENTRIES));
      });
  }, [version]);
  return (
    <aside className="traffic" aria-label={t("wire")}>
      <header>
        <h2>{t("wire")}</h2>
        <button onClick={close}>{t("close")}</button>
      </header>
      <div className="entries" tabIndex={0} role="region" aria-label={t("wire")}>
        {entries.map((entry) => (
          <details key={entry.n}>
            <summary>
              <b>{entry.status ?? "—"}</b> {entry.from} → {entry.to} <code>{entry.label}</code> {entry.ms} ms
            </summary>
            <p>
              <code>{entry.path}</code> {entry.at}
            </p>
            <pre>{JSON.stringify(entry.request, null, 2)}</pre>
            <pre>{JSON.stringify(entry.response, null, 2)}</pre>
          </details>
        ))}
      </div>
    </aside>
  );
}
