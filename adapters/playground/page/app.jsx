// The page: Slack on the left, Teams on the right. The server holds the state; the page shows it and sends actions.
import { useCallback, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { startOf } from "./common.jsx";
import { SlackPane } from "./slack.jsx";
import { TeamsPane } from "./teams.jsx";
import { Traffic } from "./traffic.jsx";
import "slack-blocks-to-jsx/dist/style.css";
import "./app.css";

function usePersisted(name, initial) {
  const [value, set] = useState(() => localStorage.getItem(name) ?? initial);
  return [value, (next) => (localStorage.setItem(name, next), set(next))];
}

// What this page is, and what to try first.
function Intro({ t, attempt, close }) {
  const tries = [
    { id: "private", platform: "slack", text: "/cm" },
    { id: "quick", platform: "slack", text: t("try.quick.text") },
    { id: "channel", platform: "teams", text: t("word") },
  ];
  return (
    <section className="intro" aria-label={t("about")}>
      <p>{t("intro")}</p>
      <span>{t("try")}</span>
      {tries.map(({ id, platform, text }) => (
        <button key={id} onClick={() => attempt(platform, text)}>
          {t(`try.${id}`)}
        </button>
      ))}
      <button className="close" aria-label={t("close")} onClick={close}>
        ×
      </button>
    </section>
  );
}

function App({ texts }) {
  // Léa uses French, Tom English.
  const [who, setWho] = usePersisted("who", navigator.language.startsWith("fr") ? "lea" : "tom");
  const [theme, setTheme] = usePersisted("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const [pane, setPane] = usePersisted("pane", "slack");
  const [intro, setIntro] = usePersisted("intro", "shown");
  const [attempts, setAttempts] = useState({ slack: 0, teams: 0 });
  const [state, setState] = useState(null);
  const [notice, setNotice] = useState("");
  const [showTraffic, setShowTraffic] = useState(false);
  const version = useRef(0);
  const selectedWho = useRef(who);
  selectedWho.current = who;

  const load = useCallback(async () => {
    const next = await (await fetch(`/api/state?as=${who}`)).json();
    // A slow response may arrive after a newer one, or after another person was selected.
    if (next.version < version.current || selectedWho.current !== who) return;
    version.current = next.version;
    setState(next);
  }, [who]);

  useEffect(() => {
    const stream = new EventSource("/api/stream");
    stream.addEventListener("open", () => {
      version.current = 0; // a restarted server counts from 0
      load();
    });
    stream.addEventListener("changed", load);
    return () => stream.close();
  }, [load]);

  const send = useCallback(
    async (platform, action, args = {}) => {
      const body = JSON.stringify({ as: who, platform, do: action, ...args });
      const response = await fetch("/api/do", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const result = await response.json();
      setNotice(result.ok ? (result.notice ?? "") : result.error);
      await load();
      return result.ok;
    },
    [who, load],
  );

  const me = state?.people.find((person) => person.key === who);
  const language = me?.locale.slice(0, 2) ?? "fr";
  // The server forgets the chosen language when it restarts or everything is deleted.
  useEffect(() => {
    const chosen = localStorage.getItem(`locale.${who}`);
    if (chosen && me && chosen !== me.locale) send("page", "locale", { locale: chosen });
  }, [who, state?.sandbox]);
  const setLocale = (locale) => (localStorage.setItem(`locale.${who}`, locale), send("page", "locale", { locale }));
  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = theme;
  }, [language, theme]);
  if (!state) return null;
  const t = (id) => texts[language][`playground.${id}`];
  const attempt = (platform, text) => {
    setPane(platform);
    setAttempts({ ...attempts, [platform]: attempts[platform] + 1 });
    send(platform, "type", { conversation: startOf(state[platform]), text, mention: true });
  };
  // A pane begins anew for another person, after everything was deleted, and with an attempt.
  const keyOf = (platform) => [platform, who, state.sandbox, attempts[platform]].join();
  const shared = { t, theme };
  return (
    <>
      <header>
        <h1>{t("title")}</h1>
        <label>
          {t("who")}{" "}
          <select value={who} onChange={(event) => setWho(event.target.value)}>
            {state.people.map((person) => (
              <option key={person.key} value={person.key}>
                {person.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("language")}{" "}
          <select value={me.locale} onChange={(event) => setLocale(event.target.value)}>
            <option value="fr-FR">Français</option>
            <option value="en-GB">English</option>
          </select>
        </label>
        <button onClick={() => setTheme(theme === "dark" ? "light" : "dark")}>{t(theme === "dark" ? "light" : "dark")}</button>
        <button aria-pressed={showTraffic} onClick={() => setShowTraffic(!showTraffic)}>
          {t("wire")}
        </button>
        <button aria-pressed={intro === "shown"} onClick={() => setIntro(intro === "shown" ? "hidden" : "shown")}>
          {t("about")}
        </button>
        <button onClick={() => confirm(t("reset.sure")) && send("page", "reset")}>{t("reset")}</button>
      </header>
      {intro === "shown" && <Intro t={t} attempt={attempt} close={() => setIntro("hidden")} />}
      <nav className="tabs" aria-label={t("platforms")}>
        {["slack", "teams"].map((platform) => (
          <button key={platform} aria-pressed={pane === platform} onClick={() => setPane(platform)}>
            {platform === "slack" ? "Slack" : "Teams"}
          </button>
        ))}
      </nav>
      <p className="notice" role="status">
        {notice && (
          <span>
            {notice} <button onClick={() => setNotice("")}>{t("close")}</button>
          </span>
        )}
      </p>
      <main className={`on-${pane}`}>
        <SlackPane key={keyOf("slack")} {...shared} state={state.slack} send={(action, args) => send("slack", action, args)} />
        <TeamsPane key={keyOf("teams")} {...shared} state={state.teams} send={(action, args) => send("teams", action, args)} />
      </main>
      {showTraffic && <Traffic t={t} version={state.version} close={() => setShowTraffic(false)} />}
    </>
  );
}

const texts = await (await fetch("/api/texts")).json();
createRoot(document.getElementById("root")).render(<App texts={texts} />);
