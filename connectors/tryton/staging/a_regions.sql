-- grain: one row per customer with a region
-- key: party
-- meaning: the category of the customer below the category that option region_category names
SELECT pc.party, min(c.name) AS region
FROM "party_party-party_category" AS pc
JOIN party_category AS c ON c.id = pc.category
JOIN party_category AS top ON top.id = c.parent
JOIN settings AS s ON lower(top.name) = lower(s.region_category)
GROUP BY pc.party
