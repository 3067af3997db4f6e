// What went over the wire, the newest first. Only what is new is asked for.
import { useEffect, useRef, useState } from "react";

const MOST = 300;

export function Wire({ t, version, close }) {
  const [entries, setEntries] = useState([]);
  const seen = useRef({ wire: "", after: 0 });
  useEffect(() => {
    const asked = seen.current;
    fetch(`/api/wire?${new URLSearchParams(asked)}`)
      .then((answer) => answer.json())
      .then(({ wire, entries: found }) => {
        if (seen.current !== asked || !found.length) return; // another question was answered first, or nothing is new
        seen.current = { wire, after: found.at(-1).n };
        setEntries((before) => [...found.reverse(), ...(wire === asked.wire ? before : [])].slice(0, MOST));
      });
  }, [version]);
  return (
    <aside className="wire" aria-label={t("wire")}>
      <header>
        <h2>{t("wire")}</h2>
        <button onClick={close}>{t("close")}</button>
      </header>
      <div className="entries" tabIndex={0} role="region" aria-label={t("wire")}>
        {entries.map((one) => (
          <details key={one.n}>
            <summary>
              <b>{one.status ?? "—"}</b> {one.from} → {one.to} <code>{one.label}</code> {one.ms} ms
            </summary>
            <p>
              <code>{one.path}</code> {one.at}
            </p>
            <pre>{JSON.stringify(one.request, null, 2)}</pre>
            <pre>{JSON.stringify(one.response, null, 2)}</pre>
          </details>
        ))}
      </div>
    </aside>
  );
}
