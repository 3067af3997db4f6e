// What went over the wire, the newest first.
import { useEffect, useState } from "react";

export function Wire({ t, version, close }) {
  const [entries, setEntries] = useState([]);
  useEffect(() => {
    fetch("/api/wire")
      .then((answer) => answer.json())
      .then((found) => setEntries(found.entries.reverse()));
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
