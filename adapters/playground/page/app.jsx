// The page: Slack on the left, Teams on the right. The server holds everything; this draws it and sends what is done.
import { useCallback, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { SlackPane } from "./slack.jsx";
import { TeamsPane } from "./teams.jsx";
import { Wire } from "./wire.jsx";
import "slack-blocks-to-jsx/dist/style.css";
import "./app.css";

const kept = (name, otherwise) => localStorage.getItem(name) ?? otherwise;

function usePersisted(name, otherwise) {
  const [value, set] = useState(() => kept(name, otherwise));
  return [value, (next) => (localStorage.setItem(name, next), set(next))];
}

function App({ catalogues }) {
  const [who, setWho] = usePersisted("who", "lea");
  const [theme, setTheme] = usePersisted("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const [pane, setPane] = usePersisted("pane", "slack");
  const [state, setState] = useState(null);
  const [said, setSaid] = useState("");
  const [wire, setWire] = useState(false);
  const version = useRef(0);
  const looking = useRef(who);
  looking.current = who;

  const load = useCallback(async () => {
    const found = await (await fetch(`/api/state?as=${who}`)).json();
    // A slow answer may come after a newer one, or when somebody else is looking.
    if (found.version < version.current || looking.current !== who) return;
    version.current = found.version;
    setState(found);
  }, [who]);

  useEffect(() => {
    const stream = new EventSource("/api/stream");
    stream.addEventListener("open", () => {
      version.current = 0; // a server that was started anew counts from the beginning
      load();
    });
    stream.addEventListener("changed", load);
    return () => stream.close();
  }, [load]);

  const send = useCallback(
    async (platform, what, more = {}) => {
      const body = JSON.stringify({ as: who, platform, do: what, ...more });
      const answer = await fetch("/api/do", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const { ok, error, said: told } = await answer.json();
      setSaid(ok ? (told ?? "") : error);
      await load();
      return ok;
    },
    [who, load],
  );

  const me = state?.people.find((one) => one.key === who);
  const language = me?.locale.slice(0, 2) ?? "fr";
  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = theme;
  }, [language, theme]);
  if (!state) return null;
  const t = (id) => catalogues[language][`playground.${id}`];
  const shared = { t, who, me, theme, language };
  return (
    <>
      <header>
        <h1>CM Advisor</h1>
        <label>
          {t("who")}{" "}
          <select value={who} onChange={(event) => setWho(event.target.value)}>
            {state.people.map((one) => (
              <option key={one.key} value={one.key}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("language")}{" "}
          <select value={me.locale} onChange={(event) => send("page", "locale", { locale: event.target.value })}>
            <option value="fr-FR">Français</option>
            <option value="en-GB">English</option>
          </select>
        </label>
        <button onClick={() => setTheme(theme === "dark" ? "light" : "dark")}>{t(theme === "dark" ? "light" : "dark")}</button>
        <button aria-pressed={wire} onClick={() => setWire(!wire)}>
          {t("wire")}
        </button>
        <button onClick={() => confirm(t("reset.sure")) && send("page", "reset")}>{t("reset")}</button>
      </header>
      <nav className="tabs" aria-label={t("platforms")}>
        {["slack", "teams"].map((one) => (
          <button key={one} aria-pressed={pane === one} onClick={() => setPane(one)}>
            {one === "slack" ? "Slack" : "Teams"}
          </button>
        ))}
      </nav>
      <p className="said" role="status">
        {said && (
          <span>
            {said} <button onClick={() => setSaid("")}>{t("close")}</button>
          </span>
        )}
      </p>
      <main className={`on-${pane}`}>
        <SlackPane key={`s-${who}`} {...shared} state={state.slack} send={(what, more) => send("slack", what, more)} />
        <TeamsPane key={`t-${who}`} {...shared} state={state.teams} send={(what, more) => send("teams", what, more)} />
      </main>
      {wire && <Wire t={t} version={state.version} close={() => setWire(false)} />}
    </>
  );
}

const catalogues = await (await fetch("/api/words")).json();
createRoot(document.getElementById("root")).render(<App catalogues={catalogues} />);
